import { join } from 'node:path';
import type { GuestFile } from '../../src/lab/image/initramfs.js';
import { type LabRun, runInLab } from '../../src/lab/index.js';
import { hostFiles } from '../support/lab-host.js';
import { type Case, cmdlineOf, MEMORY_MIB } from './cases.js';
import type { Run } from './compare.js';

/** Seconds of the lab's own clock that an image may take: one of them is 20 million instructions. */
const TIMEOUT = 60;
/**
 * Milliseconds of ours that the machine may go on without a word: an emulator that is stuck has no clock either. An image
 * gives no word before its end, and its start and a minute of the lab's clock are minutes of ours on a busy machine.
 */
const SILENCE_MS = 600_000;

/** An image, how it is run, and where it lies. */
export interface Image extends Case {
  path: string;
}

const guestAt = ({ image }: Case): string => `/guests/${image}.flat`;

function commandLine(o: Image): string[] {
  return [
    ...['guest', guestAt(o), '--qemu-exit', '--timeout', String(TIMEOUT)],
    ...['--cpus', String(o.cpus ?? 1), '--memory', String(o.memory ?? MEMORY_MIB)],
    ...['--cmdline', cmdlineOf(o)],
  ];
}

/** A line of the agent's: a run begins, or has ended. */
type Told = { begins: number } | { status: number | null; text: string };

/** Aborts when it was not fed for a while. */
class Watchdog {
  readonly #bite = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly signal = this.#bite.signal;

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#bite.abort(), SILENCE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** How the machine ended, in words. */
async function boot(run: Omit<LabRun, 'engine' | 'timeoutMs'>): Promise<string> {
  try {
    const outcome = await runInLab({ ...run, engine: 'bochs', timeoutMs: 3_600_000 });
    return outcome.kind === 'done' ? 'the agent ended' : `${outcome.kind}: ${outcome.reason}`;
  } catch (error) {
    if (run.signal?.aborted) return `not a word for ${SILENCE_MS / 1000} s: ended`;
    throw error;
  }
}

/** Run what can be run of a list on one machine; how each went, the last one perhaps not to its end. */
async function runSome(kernel: string, here: string, images: readonly Image[]): Promise<Run[]> {
  const runs: Run[] = [];
  let running = false;
  using watchdog = new Watchdog();
  watchdog.feed();
  const guests = images.map((image): GuestFile => ({ source: image.path, target: guestAt(image) }));
  const end = await boot({
    kernel,
    program: join(here, 'agent.mjs'),
    files: [...(await hostFiles()), ...guests],
    args: [JSON.stringify(images.map(commandLine))],
    signal: watchdog.signal,
    onLine: (line) => {
      watchdog.feed();
      const told = JSON.parse(line) as Told;
      running = 'begins' in told;
      if (!('text' in told)) return;
      console.error(`  ${images[runs.length]?.image} ended in the lab, status ${told.status}`);
      runs.push({ status: told.status, lines: told.text.split(/\r*\n/) });
    },
    onConsole: () => watchdog.feed(),
  });
  if (running) runs.push({ status: null, lines: [end] });
  if (runs.length === 0) throw new Error(`the lab ran nothing: ${end}`);
  return runs;
}

/** Run each image by `kvm-memtype guest` on the lab's KVM. One that takes the machine with it costs a new machine. */
export async function runAsOurGuests(kernel: string, here: string, images: readonly Image[]): Promise<Run[]> {
  const runs: Run[] = [];
  while (runs.length < images.length) runs.push(...(await runSome(kernel, here, images.slice(runs.length))));
  return runs;
}
