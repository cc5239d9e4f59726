import { gpaOf } from '../arch/units.js';
import { ERRATA, hex, sizeText } from '../memtype/index.js';
import { textTable } from '../text/table.js';
import { hang } from '../text/wrap.js';
import type { MapRow, VmReport } from './report.js';
import type { StaleGroup } from './stale.js';

const SIZES: Readonly<Record<number, string>> = { 1: '4K', 2: '2M', 3: '1G' };
const typeText = ({ type, ipat }: { type: string; ipat: boolean }): string => `${type}, IPAT ${ipat ? 1 : 0}`;
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const leavesText = (n: number): string => (n === 1 ? '1 leaf' : `${n} leaves`);

/** Rows of a map, or the first of them and how many are left out. */
const MOST_ROWS = 24;

const span = ({ start, end }: { start: number; end: number }): string[] => [
  hex(gpaOf(start)),
  hex(gpaOf(end) - 1n),
  sizeText(gpaOf(end) - gpaOf(start)),
];

const mapRow = (row: MapRow): string[] => [
  ...span(row),
  SIZES[row.level] ?? `level ${row.level}`,
  typeText(row),
  row.mmio ? 'host MMIO' : '',
];

function table(
  rows: readonly string[][],
  heads: readonly string[],
  numbers: readonly number[] = [2],
): string {
  const shown = rows.slice(0, MOST_ROWS);
  const more = rows.length - shown.length;
  return textTable([heads, ...shown], numbers) + (more > 0 ? `… and ${count(more, 'row')} more\n` : '');
}

function staleText({ leaves, start, end, now, since, erratum, ...leaf }: StaleGroup): string {
  const where = `${hex(gpaOf(start))} to ${hex(gpaOf(end) - 1n)}`;
  const why = erratum === undefined ? '' : ` (${erratum}: ${ERRATA.get(erratum)?.title})`;
  return (
    `${leavesText(leaves)} from ${where} still ${leaves === 1 ? 'carries' : 'carry'} ${typeText(leaf)} from before: ${since}; ` +
    `a fault now would make ${typeText(now)}${why}`
  );
}

function head(report: VmReport): string[] {
  const { vcpus, noncoherent, disabledQuirks, policy, fromStart, lostTrack, inferred } = report;
  const dma =
    noncoherent > 0
      ? `non-coherent DMA${inferred ? ', to judge by a leaf' : `: ${count(noncoherent, 'device')}`}`
      : `no non-coherent DMA${inferred ? ', to judge by a leaf' : ''}`;
  const quirks = disabledQuirks === 0 ? '' : `; quirks disabled: 0x${disabledQuirks.toString(16)}`;
  const lines = [`policy ${policy}; ${dma}${quirks}`];
  const unseen =
    'leaves, MTRRs, CR0 and quirks from before cannot be seen, and types that depend on them are not judged';
  if (lostTrack) lines.push(`events were lost: ${unseen}`);
  else if (!fromStart) lines.push(`this VM ran before it was watched: ${unseen}`);
  for (const { id, cd, pat, defType, ranges } of vcpus)
    lines.push(
      `vCPU ${id}: MTRR_DEF_TYPE ${defType}, ${count(ranges, 'variable range')}, PAT ${pat}, CR0.CD ${cd ? 1 : 0}`,
    );
  return lines;
}

function zapLines({ zaps, missingZaps }: VmReport): string[] {
  if (zaps.length === 0 && missingZaps.length === 0) return [];
  const calls = zaps.reduce((sum, zap) => sum + zap.calls, 0);
  const us = zaps.reduce((sum, zap) => sum + zap.us, 0);
  const rows = zaps.map(({ cause, calls, leaves, us }) => [String(calls), String(leaves), String(us), cause]);
  return [
    '',
    `zaps: ${count(calls, 'call')}, ${us} µs`,
    table(rows, ['calls', 'leaves', 'µs', 'cause'], [0, 1, 2]).trimEnd(),
    ...missingZaps,
  ];
}

function verdictText({ verdict, smm }: VmReport): string {
  const { right, untold, wrong } = verdict;
  const rest = untold === 0 ? '' : `, ${untold} not judged`;
  const left = smm === 0 ? '' : `; ${smm} changes of system management mode’s own tables left out`;
  return `model: ${right} leaves made as expected, ${wrong} otherwise${rest}${left}`;
}

/** A VM at one moment, for people. */
export function reportText(report: VmReport, width: number): string {
  const { map, leaves, stale, disagree, patIgnored, findings, verdict } = report;
  const shown = disagree.map((row) => [...span(row), row.mtrr, typeText(row)]);
  const parts = [
    ...head(report),
    '',
    `map: ${leavesText(leaves)}; the guest’s PAT is ignored on ${count(patIgnored, 'page')}`,
    ...(map.length === 0
      ? []
      : [table(map.map(mapRow), ['start', 'end', 'size', 'level', 'EPT', '']).trimEnd()]),
    ...zapLines(report),
    ...(stale.length === 0
      ? []
      : ['', 'stale:', ...stale.map((group) => hang('  ', staleText(group), width))]),
    ...(disagree.length === 0
      ? []
      : [
          '',
          'the guest’s MTRRs and EPT disagree:',
          table(shown, ['start', 'end', 'size', 'MTRR', 'EPT']).trimEnd(),
        ]),
    ...(findings.length === 0 ? [] : ['']),
    ...findings.flatMap(({ severity, rule, text, advice }) => [
      hang('', `${severity} ${rule}: ${text}`, width),
      hang('    do: ', advice, width),
    ]),
    '',
    hang('', verdictText(report), width),
    ...verdict.sentences.map((text) => hang('  ', text, width)),
  ];
  return `${parts.join('\n')}\n`;
}
