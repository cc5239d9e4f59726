import { say } from './say.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** How long clean-up may take before the process goes all the same. */
const GRACE_MS = 10_000;

type Cleanup = () => unknown;

const controller = new AbortController();
const cleanups = new Set<Cleanup>();

/** Aborted on the first SIGINT, SIGTERM or SIGHUP, and when nobody reads stdout any more. */
export const interrupted: AbortSignal = controller.signal;

/**
 * Have `cleanup` run if the process is interrupted (awaited; the last one registered runs first).
 * @returns a function that takes it off again
 */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** Abort what runs, undo what it changed, then go by `leave`; a second call while that goes on leaves at once. */
async function interrupt(leave: () => void): Promise<void> {
  if (interrupted.aborted) return leave();
  controller.abort();
  setTimeout(leave, GRACE_MS).unref();
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

/** Take over signals and closed pipes; called once, by the command line. */
export function handleInterrupts(): void {
  for (const signal of SIGNALS) process.on(signal, () => void interrupt(() => dieOf(signal)));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    void interrupt(() => process.exit(EXIT_PIPE));
  });
  process.stderr.on('error', () => {});
}
