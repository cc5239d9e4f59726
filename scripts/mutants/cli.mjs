import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup.mjs';
import { MACHINE_SECONDS, readFuzz, SEED } from './fuzz-trial.mjs';

const PROGRAM = join(ROOT, 'bin', 'kvm-memtype.js');

/** Numbers of the processors that this process may run on. */
export function allowedProcessors(status = readFileSync('/proc/self/status', 'utf8')) {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)[1];
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * Run our own command on one processor: two builds, or a build and a machine, that each have one get along better than two that share
 * both. Waits for what the command undoes when it is stopped.
 */
async function kvmMemtype(args, { processor, signal }) {
  const { runChild } = await import('../../dist/process/child.js');
  const lines = [];
  const end = await runChild(
    'taskset',
    ['--cpu-list', String(processor), process.execPath, PROGRAM, '--quiet', ...args],
    { endBy: 'SIGTERM', detached: true, signal, what: 'kvm-memtype', onStdout: (line) => lines.push(line) },
  );
  return { status: end.status, lines, said: end.tail.join('\n') };
}

/** Build a kernel. Answers its image, or why there is none. */
export async function build({ source, patches }, where) {
  const args = ['kernel', 'build', '--source', source, ...patches.flatMap((path) => ['--patch', path])];
  const { status, lines, said } = await kvmMemtype(args, where);
  return status === 0 ? { image: lines.at(-1) } : { error: said };
}

/** Each kernel runs once, unless it is its modules alone that differ. */
const snapshot = process.env.KVM_MEMTYPE_MODULES === '1' ? [] : ['--no-snapshot'];

/** Run scenarios, all if none is named. Answers the results of the one kernel, and the status that a user sees. */
export async function runCatalogue(image, { scenarios = [], policy, output, ...where }) {
  rmSync(output, { force: true });
  const forced = policy === undefined ? [] : ['--policy', policy];
  const args = [
    'run',
    ...scenarios,
    '--kernel',
    image,
    ...snapshot,
    ...forced,
    '--format',
    'json',
    '--output',
    output,
  ];
  const { status, said } = await kvmMemtype(args, where);
  if (status !== 0 && status !== 1 && status !== 4) return { status, error: said };
  const { sets } = JSON.parse(readFileSync(output, 'utf8'));
  return { status, set: sets[0] };
}

/** Two builds and other work may slow a machine down so much. */
const TIMEOUT_SECONDS = 1800;

/** Run random scenarios until the first that fails. `output` is a folder of its own. */
export async function fuzzKernel(image, { output, ...where }) {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const limits = [
    '--seed',
    SEED,
    '--machine-time',
    MACHINE_SECONDS,
    '--finds',
    1,
    '--no-shrink',
    '--timeout',
    TIMEOUT_SECONDS,
  ].map(String);
  const args = ['fuzz', '--kernel', image, ...snapshot, ...limits, '--output', output];
  const { status, lines, said } = await kvmMemtype(args, where);
  return readFuzz({ status, lines, files: readdirSync(output), said });
}
