import type { Failure, MetErratum, ScenarioResult, Scope } from '../types.js';

/** Which set of scenarios a run is of, in words. */
export const SCOPES: Record<Scope, string> = {
  whole: 'whole catalogue',
  quick: 'quick set',
  chosen: 'chosen scenarios',
};

const IRREGULAR: Record<string, string> = { leaves: 'leaf' };

/** A count with its noun: `1 leaf`, `3 leaves`; kinds are plural names. */
export function counted(n: number, kind: string): string {
  const one = IRREGULAR[kind] ?? (kind.endsWith('s') ? kind.slice(0, -1) : kind);
  return `${n} ${n === 1 ? one : kind}`;
}

/** What was checked, in words: `12 leaves, 3 zaps`; kinds of which there were none are left out. */
export function checkText(checks: Record<string, number>): string {
  const parts = Object.entries(checks).filter(([, n]) => n > 0);
  return parts.map(([kind, n]) => counted(n, kind)).join(', ');
}

/** Milliseconds as seconds with one decimal. */
export const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** A result's name within its set: `family/name`, with the repetition where there are several. */
export const fullName = (result: Pick<ScenarioResult, 'family' | 'name' | 'repeat'>): string =>
  `${result.family}/${repeatName(result)}`;

/** A result's name within its family. */
export const repeatName = ({ name, repeat }: Pick<ScenarioResult, 'name' | 'repeat'>): string =>
  repeat === undefined ? name : `${name} (repeat ${repeat})`;

/** Where a failure was seen: vCPU and gfn, as far as they are known. */
function placeText({ vcpu, gfn }: Pick<Failure, 'vcpu' | 'gfn'>): string {
  const parts = [];
  if (vcpu !== undefined) parts.push(`vCPU ${vcpu}`);
  if (gfn !== undefined) parts.push(`gfn 0x${gfn.toString(16)}`);
  return parts.join(', ');
}

/** A failure in lines of plain text, shared by all writers. */
function failureLines(failure: Failure): string[] {
  const place = placeText(failure);
  return [
    `step ${failure.step}: ${failure.stepText}`,
    `${failure.what}${place ? ` (${place})` : ''}: expected ${failure.expected}; seen ${failure.seen}`,
    ...failure.sources.map((source) => `because: ${source}`),
    `again: ${failure.rerun}`,
  ];
}

/** An erratum in one line. */
const erratumText = (erratum: MetErratum): string =>
  `erratum ${erratum.id} (${erratum.kernels}): ${erratum.text}`;

/** Every erratum that the results met, once each, in lines. */
export function errataLines(results: readonly ScenarioResult[]): string[] {
  const all = results.flatMap((result) => result.errata);
  return [...new Map(all.map((erratum) => [erratum.id, erratumText(erratum)])).values()];
}

/** What was checked and which errata were met: `12 leaves, 3 zaps; errata s1, D1`. */
export function outcomeText(result: ScenarioResult): string {
  const ids = result.errata.map(({ id }) => id).join(', ');
  const met = ids && `${result.errata.length === 1 ? 'erratum' : 'errata'} ${ids}`;
  return [checkText(result.checks), met].filter(Boolean).join('; ');
}

/** Why a result did not pass, in lines. */
export function detailLines(result: ScenarioResult): string[] {
  const lines = [...(result.error ? [result.error] : []), ...result.failures.flatMap(failureLines)];
  return lines.flatMap((line) => line.split('\n'));
}
