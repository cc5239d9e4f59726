import { fileURLToPath } from 'node:url';
import { runChild } from '../../process/child.js';
import { type JobLine, type JobResult, lineSchema, type Order } from '../jobs/result.js';
import type { Loss } from '../store/records.js';
import { causeOf } from './losses.js';

/** How a try at a job ended. */
export type JobEnd =
  /** On another machine: which one, how long it took there, and how many jobs it does at a time. */
  | { kind: 'result'; result: JobResult; host?: string; seconds?: number; slots?: number }
  | { kind: 'lost'; loss: Loss; text: string; retry: boolean };

/** What does jobs, one at a time. It rejects if `signal` stops it. */
export type Execute = (
  order: Order,
  o: { timeoutMs: number; signal: AbortSignal; onProgress: (count: { done: number; total: number }) => void },
) => Promise<JobEnd>;

const PROGRAM = fileURLToPath(new URL('../../../bin/kvm-memtype.js', import.meta.url));

/** A job builds and boots what others wrote: it is not to know what opens the queue, the index, or where images come from. */
const SECRETS = [
  'KVM_MEMTYPE_QUEUE',
  'KVM_MEMTYPE_INDEX',
  'KVM_MEMTYPE_TOKEN',
  'KVM_MEMTYPE_IMAGES_TOKEN',
  'PGPASSWORD',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];

/** An environment without what is secret. */
export const withoutSecrets = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !SECRETS.includes(name)));

function lineOf(text: string): JobLine | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const lost = (loss: Loss, text: string, retry: boolean): JobEnd => ({ kind: 'lost', loss, text, retry });

/** Run a command of this program in a process of its own, which dies with this one: its status, and the last that it said. */
export async function runProgram(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ status: number | null; said: string }> {
  const { status, tail } = await runChild(process.execPath, [PROGRAM, '--quiet', ...args], {
    what: 'kvm-memtype',
    env: withoutSecrets(process.env),
    detached: true,
    endBy: 'SIGTERM',
    signal,
  });
  return { status, said: tail.at(-1) ?? 'it said nothing' };
}

/** Do a job in a process of its own, which dies with this one: a kernel or a guest that takes it along takes nothing else. */
export const executeInChild: Execute = async (order, { timeoutMs, signal, onProgress }) => {
  const last: { line?: JobLine } = {};
  const end = await runChild(process.execPath, [PROGRAM, '--quiet', 'campaign', 'job'], {
    what: 'the job',
    input: JSON.stringify(order),
    env: withoutSecrets(process.env),
    detached: true,
    endBy: 'SIGTERM',
    timeoutMs,
    signal,
    resultsOnStdout: true,
    onStdout: (text) => {
      const line = lineOf(text);
      if (line?.type === 'progress') onProgress(line);
      else if (line !== undefined) last.line = line;
    },
  });
  const { line } = last;
  if (line?.type === 'result') return { kind: 'result', result: line.result };
  if (end.timedOut) return lost('time', `no end after ${timeoutMs / 1000} s`, true);
  if (line?.type === 'error') {
    const { loss, retry } = causeOf(line.code);
    return lost(loss, line.text, retry);
  }
  const said = end.tail.at(-1) ?? 'it said nothing';
  if (end.killedBy !== null) return lost('host-lost', `it was ended by ${end.killedBy}`, true);
  return lost('program', `it ended with status ${end.status}: ${said}`, false);
};
