import { safeJson, safeText } from '../text/safe.js';
import { reportOf } from './report.js';
import { reportText } from './text.js';
import type { VmNote, Watcher } from './watcher.js';

/** Where a view writes, and how wide that is. */
export interface Screen {
  write(text: string): void;
  readonly width: number;
  readonly height: number;
}

/** Shows what is watched as it goes on, and what came of it. */
export interface View {
  /** After each look. */
  update(watcher: Watcher): void;
  end(watcher: Watcher): void;
}

const SHOWN_NOTES = 6;
const CLEAR = '\x1b[H\x1b[J';

const seconds = (us: number): string => (us / 1e6).toFixed(3);

/** Times since the first note. */
class Clock {
  #first: number | undefined;

  line = ({ at, vm, text }: VmNote, vms: number): string => {
    this.#first ??= at;
    return `${seconds(at - this.#first).padStart(9)} s  ${vms > 1 ? `VM ${vm}: ` : ''}${text}`;
  };
}

const lostText = ({ lost }: Watcher): string =>
  lost === 0
    ? ''
    : `${lost === 1 ? '1 event was' : `${lost} events were`} lost, as the kernel’s buffer was full: a larger --buffer or a shorter --interval helps\n`;

function reports(watcher: Watcher, width: number): string {
  const { vms } = watcher;
  const one = vms.map((vm, i) => {
    const title = vms.length > 1 ? `VM ${i + 1}\n` : '';
    return title + reportText(reportOf(vm), width);
  });
  return one.join('\n') + lostText(watcher);
}

/** Lines as things happen, and a report at the end: where nobody watches a screen. */
export function textView(screen: Screen): View {
  const clock = new Clock();
  const notes = (watcher: Watcher): void => {
    for (const note of watcher.takeNotes())
      screen.write(safeText(`${clock.line(note, watcher.vms.length)}\n`));
  };
  return {
    update: notes,
    end: (watcher) => {
      notes(watcher);
      screen.write(safeText(`\n${reports(watcher, screen.width)}`));
    },
  };
}

/** A report that is drawn anew, with the last things that happened; the last one stays. */
export function liveView(screen: Screen): View {
  const clock = new Clock();
  let last: string[] = [];
  const draw = (watcher: Watcher): string => {
    const lines = watcher.takeNotes().map((note) => clock.line(note, watcher.vms.length));
    last = [...last, ...lines].slice(-SHOWN_NOTES);
    const body = watcher.vms.length === 0 ? 'no VM yet\n' : reports(watcher, screen.width);
    return `${body}\n${last.join('\n')}\n`;
  };
  return {
    update: (watcher) => {
      const lines = draw(watcher)
        .split('\n')
        .slice(0, screen.height - 1);
      screen.write(CLEAR + safeText(lines.join('\n')));
    },
    end: (watcher) => screen.write(CLEAR + safeText(draw(watcher))),
  };
}

/** One JSON object a line: each thing that happens, and a report of each VM at the end. */
export function jsonView(screen: Pick<Screen, 'write'>): View {
  const line = (data: object): void => screen.write(`${safeJson(JSON.stringify(data))}\n`);
  const notes = (watcher: Watcher): void => {
    for (const note of watcher.takeNotes()) line(note);
  };
  return {
    update: notes,
    end: (watcher) => {
      notes(watcher);
      for (const [i, vm] of watcher.vms.entries()) line({ vm: i + 1, kind: 'report', ...reportOf(vm) });
      line({ kind: 'end', vms: watcher.vms.length, lost: watcher.lost });
    },
  };
}
