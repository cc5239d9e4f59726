import type { Dump } from '../../../dumps/read.js';
import type { Fact } from '../../../dumps/types.js';
import { describeMsr } from '../../../memtype/index.js';
import { safeLine } from '../../../text/safe.js';
import { textTable } from '../../../text/table.js';
import { hex } from '../text.js';

/** A dump and how it is called. */
export interface NamedDump {
  readonly name: string;
  readonly dump: Dump;
}

const of = (cpu: number | undefined): string => (cpu === undefined ? '' : `CPU ${cpu}: `);
const span = (start: bigint, end: bigint): string => `${hex(start)}-${hex(end - 1n)}`;

const TEXTS: { readonly [K in Fact['what']]: (fact: Extract<Fact, { what: K }>) => string } = {
  msr: ({ cpu, msr, value }) => `${of(cpu)}${describeMsr(msr)} = ${hex(value)}`,
  default: ({ type }) => `default type ${type}`,
  enabled: ({ ranges, on }) => `${ranges === 'variable' ? 'MTRRs' : 'fixed ranges'} ${on ? 'on' : 'off'}`,
  fixed: ({ type, start, size }) => `fixed ranges ${span(start, start + size)}: ${type}`,
  range: ({ index, type, base, size }) => `range ${index}: ${span(base, base + size)} ${type}`,
  cr0: ({ cpu, value }) => `${of(cpu)}CR0 = ${hex(value)}`,
  'address-bits': ({ bits }) => `MAXPHYADDR ${bits}`,
  area: ({ kind, name, start, end }) => `${span(start, end)} ${kind}: ${name}`,
};

const textOf = (fact: Fact): string => (TEXTS[fact.what] as (fact: Fact) => string)(fact);

const where = (name: string, line: number): string => `${safeLine(name)}:${line}`;

/** Tell what was read, line by line, and what was not understood. */
export function echoText(dumps: readonly NamedDump[], notes: readonly string[]): string {
  const rows = dumps.flatMap(({ name, dump }) =>
    dump.known.map(({ line, format, facts }) => [
      where(name, line),
      format,
      safeLine(facts.map(textOf).join(', ')),
    ]),
  );
  const strange = dumps.flatMap(({ name, dump: { unknown, unknownCount } }) => [
    ...unknown.map(
      ({ line, text, why }) => `  ${where(name, line)}  ${text}${why === undefined ? '' : `: ${why}`}`,
    ),
    ...(unknownCount > unknown.length
      ? [`  ${safeLine(name)}: ${unknownCount - unknown.length} more lines`]
      : []),
  ]);
  const indented = textTable(rows)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
  return [
    ...(rows.length > 0 ? ['read', ...indented] : ['nothing was read']),
    ...(strange.length > 0 ? ['not understood', ...strange] : []),
    ...(notes.length > 0 ? ['taken for granted', ...notes.map((note) => `  ${note}`)] : []),
    '',
    '',
  ].join('\n');
}

/** The same as plain data. */
export function echoJson(dumps: readonly NamedDump[], notes: readonly string[]): object {
  return {
    lines: dumps.flatMap(({ name, dump }) =>
      dump.known.map(({ line, format, facts }) => ({ file: name, line, format, facts: facts.map(textOf) })),
    ),
    notUnderstood: dumps.flatMap(({ name, dump }) =>
      dump.unknown.map((unknown) => ({ file: name, ...unknown })),
    ),
    notUnderstoodCount: dumps.reduce((sum, { dump }) => sum + dump.unknownCount, 0),
    assumed: notes,
  };
}
