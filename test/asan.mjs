// Build the addon with AddressSanitizer and UndefinedBehaviorSanitizer beside the normal build, and run the live tests
// with it: npm run test:asan [vitest filters].
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'build', 'asan');
const bin = (name) => join(root, 'node_modules', '.bin', name);

const build = ['compile', '--silent', '--out', out, '--config', 'Release', '--CDKVM_MEMTYPE_SANITIZE=ON'];
const built = spawnSync(bin('cmake-js'), build, { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);

// Node itself is not sanitized, so the runtime must come first.
const runtime = execFileSync('c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
const env = {
  ...process.env,
  LD_PRELOAD: runtime,
  KVM_MEMTYPE_ADDON: join(out, 'Release', 'kvm_memtype.node'),
  // Node leaks on purpose as it ends; `npm run soak` looks for leaks. Deadly signals must fail the run.
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};
const filters = process.argv.slice(2);
const tests = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'live', ...filters];
process.exit(spawnSync(process.execPath, tests, { cwd: root, env, stdio: 'inherit' }).status ?? 1);
