import { gpaOf } from '../../../arch/units.js';
import { ERRATA, type ErratumId } from '../../../memtype/index.js';
import { ept, hex, table } from '../text.js';
import type { StaleLeaf, ThenResult, ThenRow } from './run.js';

const errataText = (ids: readonly ErratumId[]): string => (ids.length === 0 ? '' : ` (${ids.join(', ')})`);

function rowOf({ what, outcome, errata }: ThenRow, i: number): string[] {
  return [`${i + 1}`, what, `${outcome}${errataText(errata)}`];
}

function staleText({ gfn, vcpu, leaf, fresh }: StaleLeaf): string {
  return `${hex(gpaOf(gfn))}: ${ept(leaf)}, where a fault of vCPU ${vcpu} would make ${ept(fresh)}`;
}

/** Each reason once, with the events that it is of. */
function reasons(rows: readonly ThenRow[]): string[] {
  const known = new Map<string, number[]>();
  rows.forEach(({ why }, i) => {
    for (const { text, source } of why) {
      const line = `${text}\n   (${source})`;
      known.set(line, [...(known.get(line) ?? []), i + 1]);
    }
  });
  return [...known].flatMap(([line, at]) => `${at.join(', ')}: ${line}`.split('\n'));
}

/** What followed from each event, for people. */
export function thenText({ rows, stale, guest }: ThenResult): string {
  const { policy } = guest;
  const errata = [...new Set(rows.flatMap((row) => row.errata))];
  const why = reasons(rows);
  return [
    `policy ${policy.name}: ${policy.title} (${policy.kernels})`,
    '',
    ...table([['', 'event', 'leaves'], ...rows.map(rowOf)]),
    ...(stale.length === 0
      ? []
      : ['', 'stale leaves at the end', ...stale.map((leaf) => `  ${staleText(leaf)}`)]),
    ...(why.length === 0 ? [] : ['', 'why', ...why.map((line) => `  ${line}`)]),
    ...(errata.length === 0 ? [] : ['']),
    ...errata.map((id) => `erratum ${id}: ${ERRATA.get(id)?.title}`),
    '',
  ].join('\n');
}

/** The same as plain data. */
export function thenJson({ rows, stale }: ThenResult): object {
  return {
    events: rows,
    stale: stale.map(({ gfn, vcpu, leaf, fresh }) => ({
      gpa: hex(gpaOf(gfn)),
      vcpu,
      type: leaf.type,
      ipat: leaf.ipat,
      wouldBe: { type: fresh.type, ipat: fresh.ipat },
    })),
  };
}
