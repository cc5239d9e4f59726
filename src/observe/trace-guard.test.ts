import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const POLL_MS = 10;
const NAME = 'kvm-memtype-1-2-3.0';
const GROUP = 'kvm_memtype_1_2_3_0';
const PROBES = `p:${GROUP}/msr vmx_set_msr kvm=+0(%di):x64\nr12:${GROUP}/zapped kvm_zap_gfn_range\np:other/zap kvm_zap_gfn_range\n`;

const folder = mkdtempSync(join(tmpdir(), 'trace-guard-'));
const program = join(folder, 'owner.mjs');
beforeAll(() => {
  buildSync({
    stdin: {
      contents: `import { readFileSync, writeSync } from 'node:fs';
        import { TraceGuard } from './trace-guard.js';
        const guard = new TraceGuard(process.argv[2], '${NAME}', '${GROUP}');
        writeSync(1, readFileSync('/proc/thread-self/children'));
        process.stdin.resume().once('data', () => { guard.close(); process.stdin.pause(); });`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    ...{ bundle: true, platform: 'node', format: 'esm', outfile: program },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a process is called with; nothing for a moment, as setpriv becomes the shell. */
const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'latin1');

/** Whether a process is there no more, or only its status is. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

/** A folder with a shell that takes its time. */
const SLOW = join(folder, 'slow');
mkdirSync(SLOW);
writeFileSync(join(SLOW, 'sh'), '#!/bin/sh\nsleep 1\nexec /bin/sh "$@"\n', { mode: 0o755 });

/**
 * A folder like tracefs, with an instance and probes, and a process that has them guarded.
 * @param path where it looks for tools
 */
async function guarded(path = process.env.PATH) {
  const root = mkdtempSync(join(folder, 'root-'));
  const instance = join(root, 'instances', NAME);
  const probes = join(root, 'kprobe_events');
  mkdirSync(instance, { recursive: true });
  writeFileSync(probes, PROBES);
  const owner = spawn(process.execPath, [program, root], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  const [told] = await once(owner.stdout, 'data');
  return { instance, probes, owner, guard: Number(told) };
}

const CLEANED = `${PROBES}-:${GROUP}/msr\n-:${GROUP}/zapped\n`;

test.each([
  ['once its guard runs', process.env.PATH, 'sh\0'],
  ['before its guard is ready', `${SLOW}:${process.env.PATH}`, '/bin/sh\0'],
])(
  'of a process that is killed %s the instance goes, its probes after it, and the guard',
  async (_, path, command) => {
    const { instance, probes, owner, guard } = await guarded(path);
    await until(() => commandOf(guard).startsWith(command));

    owner.kill('SIGKILL');
    await until(() => isGone(guard));

    expect(existsSync(instance)).toBe(false);
    expect(readFileSync(probes, 'utf8')).toBe(CLEANED);
  },
);

test('an instance that is busy for a moment is tried again', async () => {
  const { instance, probes, owner, guard } = await guarded();
  const held = join(instance, 'held');
  mkdirSync(held);

  owner.kill('SIGKILL');
  // It sleeps between two tries.
  await until(() => isGone(owner.pid as number));
  expect(isGone(guard)).toBe(false);
  rmSync(held, { recursive: true });
  await until(() => isGone(guard));

  expect(existsSync(instance)).toBe(false);
  expect(readFileSync(probes, 'utf8')).toBe(CLEANED);
});

test('of a process that needs it no more the guard goes', async () => {
  const { instance, owner, guard } = await guarded();
  rmSync(instance, { recursive: true });

  const exit = once(owner, 'exit');
  owner.stdin.end('x');
  await until(() => isGone(guard));

  expect(await exit).toEqual([0, null]);
});
