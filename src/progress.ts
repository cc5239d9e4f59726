import { safeLine } from './safe-text.js';

const QUIET_MS = 1_000;
const REDRAW_MS = 100;
const HEARTBEAT_MS = 15_000;

/** Where progress is shown; stderr, unless a test says otherwise. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** One thing that takes a while. */
export interface Progress {
  /** say how far it is */
  update(text: string): void;
  /** it is over; says how long it took, if it was shown at all */
  done(text?: string): void;
  [Symbol.dispose](): void;
}

let drawn: ProgressStream | undefined;
let quiet = false;

/** Show no progress at all (`--quiet`). */
export function silenceProgress(): void {
  quiet = true;
}

/** Take the progress line off the terminal, before something else is written there. */
export function clearProgressLine(): void {
  drawn?.write('\r\u001b[2K');
  drawn = undefined;
}

const line = (text: string, columns = 80): string => safeLine(text).slice(0, columns - 1);

/**
 * Show that something goes on once it has taken a second: on a terminal as one line that is drawn again, elsewhere as a
 * line every 15 s, so that a log neither fills up nor falls silent.
 */
export function startProgress(label: string, stream: ProgressStream = process.stderr): Progress {
  const start = Date.now();
  const elapsed = () => `${((Date.now() - start) / 1000).toFixed(stream.isTTY ? 1 : 0)} s`;
  let state = '';
  let shown = false;
  const show = () => {
    const text = `${label}${state ? `: ${state}` : ''} (${elapsed()})`;
    if (stream.isTTY) {
      clearProgressLine();
      stream.write(line(text, stream.columns));
      drawn = stream;
    } else if (!shown || state) stream.write(`${safeLine(text)}\n`);
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
    stream.write(`${safeLine(`${label}: ${text}`)} (${elapsed()})\n`);
    shown = false;
  };
  return {
    update(text) {
      state = text;
    },
    done,
    [Symbol.dispose]: () => done(),
  };
}
