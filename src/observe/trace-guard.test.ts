import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
      contents: `import { TraceGuard } from './trace-guard.js';
        const guard = new TraceGuard(process.argv[2], '${NAME}', '${GROUP}');
        if (process.argv[3]) process.kill(process.pid, process.argv[3]);
        process.stdin.resume().once('data', () => { guard.close(); process.stdin.pause(); });`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    ...{ bundle: true, platform: 'node', format: 'esm', outfile: program },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Processes of guards over a folder, by what /proc says of them: nothing for a moment, as setpriv becomes the shell. */
const guardsOf = (root: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return line.includes('kvm-memtype-guard') && line.includes(root);
    } catch {
      return false; // No process, or gone.
    }
  });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

/**
 * A folder like tracefs, with an instance and probes, and a process that has them guarded.
 * @param signal which it sends itself, as soon as it has a guard
 */
function guardedBy(signal = '') {
  const root = mkdtempSync(join(folder, 'root-'));
  const instance = join(root, 'instances', NAME);
  const probes = join(root, 'kprobe_events');
  mkdirSync(instance, { recursive: true });
  writeFileSync(probes, PROBES);
  const owner = spawn(process.execPath, [program, root, signal], { stdio: ['pipe', 'inherit', 'inherit'] });
  return { root, instance, probes, owner };
}

async function guarded() {
  const made = guardedBy();
  await until(() => guardsOf(made.root).length > 0);
  return made;
}

test('of a process that is killed the instance goes, its probes after it, and the guard', async () => {
  const { root, instance, probes, owner } = await guarded();

  owner.kill('SIGKILL');
  await until(() => !existsSync(instance) && guardsOf(root).length === 0);

  expect(readFileSync(probes, 'utf8')).toBe(`${PROBES}-:${GROUP}/msr\n-:${GROUP}/zapped\n`);
});

test('so they do where it is killed before its guard has begun', async () => {
  const { root, instance } = guardedBy('SIGKILL');

  await until(() => !existsSync(instance) && guardsOf(root).length === 0);

  expect(readdirSync(join(root, 'instances'))).toEqual([]);
});

test('an instance that is busy for a moment is tried again', async () => {
  const { root, instance, owner } = await guarded();
  const held = join(instance, 'held');
  mkdirSync(held);

  owner.kill('SIGKILL');
  // It sleeps between two tries.
  await until(() => guardsOf(root).length > 0 && !existsSync(`/proc/${owner.pid}`));
  rmSync(held, { recursive: true });
  await until(() => !existsSync(instance) && guardsOf(root).length === 0);

  expect(readdirSync(join(root, 'instances'))).toEqual([]);
});

test('of a process that needs it no more the guard goes', async () => {
  const { root, instance, owner } = await guarded();
  rmSync(instance, { recursive: true });

  owner.stdin?.end('x');
  await until(() => guardsOf(root).length === 0);

  expect(guardsOf(root)).toEqual([]);
});
