import { safeLine } from '../text/safe.js';
import { DUMP_FORMATS } from './formats.js';
import type { DumpContext, Fact } from './types.js';

/** A line that told something. */
interface KnownLine {
  readonly line: number;
  readonly format: string;
  readonly facts: readonly Fact[];
}

/** A line that no format knows. */
interface UnknownLine {
  readonly line: number;
  readonly text: string;
}

/** What was found in a dump. */
export interface Dump {
  readonly known: readonly KnownLine[];
  /** The first that were not understood, and how many there are. */
  readonly unknown: readonly UnknownLine[];
  readonly unknownCount: number;
}

/** A dump that is longer than any that makes sense. */
export class DumpError extends Error {
  override readonly name = 'DumpError';
  readonly code = 'DUMP_TOO_LONG';
}

/** No dump that is meant for us has more; what a line tells is kept, so both are bounded. */
const MOST_LINES = 200_000;
const MOST_FACTS = 20_000;
/** Longer lines are not looked at: no format has them. */
const MOST_CHARACTERS = 1000;
const SHOWN_UNKNOWN = 10;
const SHOWN_CHARACTERS = 80;

/** What dmesg, syslog and journald put before a line of the kernel's. */
const LOG_PREFIX =
  /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S{1,64} kernel: )?(?:\[ *\d{1,10}\.\d{3,6}\](?:\[[^\]]{1,12}\])? )?/;

const isComment = (text: string): boolean => text === '' || text === '--' || text === '(qemu)';

/**
 * Read what a dump tells of a machine: any mix of the formats, line by line.
 *
 * @throws DumpError if it has more lines, or tells more, than any that makes sense
 */
export function readDump(text: string): Dump {
  const context: DumpContext = { cpu: undefined };
  const readers = DUMP_FORMATS.map(({ name, start }) => ({ name, read: start(context) }));
  const known: KnownLine[] = [];
  const unknown: UnknownLine[] = [];
  let unknownCount = 0;
  let count = 0;
  const lines = text.split('\n');
  if (lines.length > MOST_LINES) throw new DumpError(`it has more than ${MOST_LINES} lines`);
  lines.forEach((raw, i) => {
    const whole = raw.trimEnd();
    const prefix = whole.length > MOST_CHARACTERS ? '' : (LOG_PREFIX.exec(whole)?.[0] ?? '');
    const rest = whole.slice(prefix.length).replace(/^\(qemu\) /, '');
    if (isComment(rest.trim())) return;
    for (const { name, read } of whole.length > MOST_CHARACTERS ? [] : readers) {
      const facts = read(rest);
      if (facts === undefined) continue;
      count += facts.length;
      if (count > MOST_FACTS) throw new DumpError(`it tells more than ${MOST_FACTS} things`);
      if (facts.length > 0) known.push({ line: i + 1, format: name, facts });
      return;
    }
    // A log is full of what has nothing to do with us.
    if (prefix !== '') return;
    unknownCount++;
    if (unknown.length < SHOWN_UNKNOWN)
      unknown.push({ line: i + 1, text: safeLine(rest.trim().slice(0, SHOWN_CHARACTERS)) });
  });
  return { known, unknown, unknownCount };
}
