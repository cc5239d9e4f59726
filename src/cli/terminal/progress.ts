import { safeLine } from '../../text/safe.js';
import { interrupted } from './interrupt.js';

const QUIET_MS = 1_000;
const REDRAW_MS = 100;
const HEARTBEAT_MS = 15_000;

/** Where progress is shown; stderr, unless a test says otherwise. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** How many of how many parts are done, and how long the rest will take, where that is known. */
interface Count {
  done: number;
  total: number;
  leftMs?: number;
}

/** One thing that takes a while. */
export interface Progress {
  /** say what it is at and, where that can be counted, how far it is: the time that is left is worked out from that */
  update(text: string, count?: Count): void;
  /** it is over; says how, and how long it took, if it was shown at all */
  done(text?: string): void;
}

let drawn: ProgressStream | undefined;
let quiet = false;

/** Whether somebody sees how far it is: only then it pays to know how long things took before. */
export const isProgressSeen = (stream: ProgressStream = process.stderr): boolean =>
  !quiet && stream.isTTY === true;

/** Show no progress at all (`--quiet`). */
export function silenceProgress(): void {
  quiet = true;
}

/** Take the progress line off the terminal, before something else is written there. */
export function clearProgressLine(): void {
  drawn?.write('\r\u001b[2K');
  drawn = undefined;
}

/** A label keeps as much of its end, where the file's name is. */
const LEAST_LABEL = 8;
/** Parts and time that tell how fast it goes: the first parts may wait for a machine to start. */
const ENOUGH = { parts: 3, ms: 2_000 };

/** One line within the width: a label that is too long loses its beginning, then the rest its end. */
function line(label: string, rest: string, columns = 80): string {
  const room = Math.max(LEAST_LABEL, columns - 1 - rest.length);
  const short = label.length > room ? `…${label.slice(1 - room)}` : label;
  return (short + rest).slice(0, columns - 1);
}

function leftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}

/** Tells from how far it was when how long the rest will take. */
class Pace {
  #first: { at: number; done: number } | undefined;

  /** How far it is, in words: `12/85, 40 s left`. */
  text({ done, total, leftMs }: Count, toldAt: number): string {
    const now = Date.now();
    if (leftMs !== undefined) return `${done}/${total}, ${leftText(Math.max(0, leftMs - (now - toldAt)))}`;
    this.#first ??= { at: now, done };
    const [ms, parts] = [now - this.#first.at, done - this.#first.done];
    if (ms < ENOUGH.ms || parts < ENOUGH.parts || done >= total) return `${done}/${total}`;
    return `${done}/${total}, ${leftText(((total - done) * ms) / parts)}`;
  }
}

/**
 * Show that something goes on once it has taken a second: on a terminal as one line that is drawn again, elsewhere as a
 * line every 15 s, so that a log neither fills up nor falls silent.
 */
export function startProgress(label: string, stream: ProgressStream = process.stderr): Progress {
  const start = Date.now();
  const elapsed = () => `${((Date.now() - start) / 1000).toFixed(stream.isTTY ? 1 : 0)} s`;
  const name = safeLine(label);
  const pace = new Pace();
  let state = '';
  let count: Count | undefined;
  let toldAt = start;
  let shown = false;
  const show = () => {
    const parts = [count && pace.text(count, toldAt), state].filter(Boolean);
    const rest = safeLine(`${['', ...parts].join(': ')} (${elapsed()})`);
    if (stream.isTTY) {
      clearProgressLine();
      stream.write(line(name, rest, stream.columns));
      drawn = stream;
    } else if (!shown || state) stream.write(`${name}${rest}\n`);
    shown = true;
  };
  const timers: NodeJS.Timeout[] = [];
  if (!quiet) {
    const first = setTimeout(() => {
      show();
      timers.push(setInterval(show, stream.isTTY ? REDRAW_MS : HEARTBEAT_MS).unref());
    }, QUIET_MS).unref();
    timers.push(first);
  }
  const done = (text = 'done') => {
    for (const timer of timers) clearInterval(timer);
    if (!shown) return;
    clearProgressLine();
    stream.write(`${name}: ${safeLine(text)} (${elapsed()})\n`);
    shown = false;
  };
  return {
    update(text, now) {
      state = text;
      count = now;
      toldAt = Date.now();
      if (count) pace.text(count, toldAt);
    },
    done,
  };
}

/** Show that `work` goes on, and how it ended. */
export async function withProgress<T>(
  label: string,
  work: (progress: Progress) => Promise<T>,
  stream?: ProgressStream,
): Promise<T> {
  const progress = startProgress(label, stream);
  try {
    const result = await work(progress);
    progress.done();
    return result;
  } catch (error) {
    progress.done(interrupted.aborted ? 'interrupted' : 'failed');
    throw error;
  }
}
