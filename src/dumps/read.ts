import { safeLine } from '../text/safe.js';
import { DUMP_FORMATS } from './formats.js';
import type { DumpContext, Fact, Misfit } from './types.js';

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
  /** Where a format knows the line, but cannot use it. */
  readonly why?: string;
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
/** Longer lines are not looked at: no format has them. The flags of /proc/cpuinfo are some 1200 characters. */
const MOST_CHARACTERS = 4000;
const SHOWN_UNKNOWN = 10;
const SHOWN_CHARACTERS = 80;

/** What dmesg (also with -T and --time-format iso), syslog and journald put before a line of the kernel's. */
const LOG_PREFIX =
  /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}(?:\.\d{6})? \S{1,64} \S{1,64}: |\d{4}-\d\d-\d\dT[\d:]{8}(?:[.,]\d{1,6})?[-+\d:Z]{0,6} (?:\S{1,64} \S{1,64}: )?)?(?:\[(?: *\d{1,10}\.\d{3,6}|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})\](?:\[[^\]]{1,12}\])? )?/;

/** What a line of a log may bear on memory types by: a log is full of lines that have nothing to do with us. */
const CONCERNS =
  /\bmtrrs?\b|\bx86\/PAT\b|^\s*(?:BIOS-)?e820: |\buncach|\bwrite-(?:back|combining|through|protect)\b|^\s*(?:\d{1,3} base|[0-9a-f]{5}-[0-9a-f]{5}) /i;

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
    let misfit: Misfit | undefined;
    for (const { name, read } of whole.length > MOST_CHARACTERS ? [] : readers) {
      const told = read(rest);
      if (told === undefined) continue;
      if ('why' in told) {
        misfit = told;
        break;
      }
      count += told.length;
      if (count > MOST_FACTS) throw new DumpError(`it tells more than ${MOST_FACTS} things`);
      if (told.length > 0) known.push({ line: i + 1, format: name, facts: told });
      return;
    }
    if (prefix !== '' && misfit === undefined && !CONCERNS.test(rest)) return;
    unknownCount++;
    if (unknown.length < SHOWN_UNKNOWN)
      unknown.push({ line: i + 1, text: safeLine(rest.trim().slice(0, SHOWN_CHARACTERS)), ...misfit });
  });
  return { known, unknown, unknownCount };
}
