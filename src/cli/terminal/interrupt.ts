import { EXIT_ENVIRONMENT } from '../errors.js';
import { say } from './say.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** How long clean-up may take before the process goes all the same. */
const GRACE_MS = 10_000;

type Cleanup = () => unknown;

const controller = new AbortController();
const cleanups = new Set<Cleanup>();

/** Aborted on the first SIGINT, SIGTERM or SIGHUP, and when stdout takes no more. */
export const interrupted: AbortSignal = controller.signal;

/**
 * Have `cleanup` run if the process is interrupted (awaited; the last one registered runs first).
 * @returns a function that takes it off again
 */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** Why everything stops: the reason of `interrupted`. */
class InterruptError extends Error {
  readonly code = 'CLI_INTERRUPT';
}

/** Abort what runs, undo what it changed, then go by `leave`; a second call while that goes on leaves at once. */
async function interrupt(why: string, leave: () => void): Promise<void> {
  if (interrupted.aborted) return leave();
  controller.abort(new InterruptError(why));
  // Keep the event loop alive for it: what hangs in clean-up may have nothing else to wait for.
  setTimeout(leave, GRACE_MS);
  for (const cleanup of [...cleanups].reverse()) {
    try {
      await cleanup();
    } catch (error) {
      say(`cleaning up failed: ${(error as Error).message}`);
    }
  }
  leave();
}

/** Die of the signal itself, so that a shell or `git bisect run` sees an interrupt and not a verdict. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** What a program that a closed pipe kills would end with: 128 + SIGPIPE. */
const EXIT_PIPE = 141;

/** What to say of the errors that a stdout can have. */
const REASONS: Record<string, string> = {
  EDQUOT: 'the disk quota is used up',
  EIO: 'the device reports an error',
  ENOSPC: 'the disk is full',
};

/** Go as a program does whose reader went away; or say once why results cannot be written. */
function stdoutFailed({ code = '', message }: NodeJS.ErrnoException): void {
  if (interrupted.aborted) return;
  if (code === 'EPIPE') return void interrupt('nobody reads stdout any more', () => process.exit(EXIT_PIPE));
  say(`cannot write to stdout: ${REASONS[code] ?? message}`);
  void interrupt('stdout cannot be written', () => process.exit(EXIT_ENVIRONMENT));
}

/** Take over signals and a stdout that fails; called once, by the command line. */
export function handleInterrupts(): void {
  for (const signal of SIGNALS)
    process.on(signal, () => void interrupt(`interrupted by ${signal}`, () => dieOf(signal)));
  process.stdout.on('error', stdoutFailed);
  process.stderr.on('error', () => {});
}
