import type { Mismatch, Verdict } from '../check/verdict.js';
import type { Recording } from '../recording/recording.js';
import type { ScenarioResult } from '../report/types.js';
import type { ScenarioSource } from '../scenario/file/lines.js';
import type { Scenario } from '../scenario/types.js';

const nameParts = (name: string): { family: string; name: string } => {
  const slash = name.indexOf('/');
  return { family: name.slice(0, slash), name: name.slice(slash + 1) };
};

const GFNS_SHOWN = 4;

const sameFault = (a: Mismatch, b: Mismatch): boolean =>
  a.step === b.step &&
  a.vcpu === b.vcpu &&
  a.what === b.what &&
  a.expected === b.expected &&
  a.seen === b.seen;

/** Put mismatches that differ only in the page together: the first page names them, the others follow in the text. */
function merge(mismatches: readonly Mismatch[]): Mismatch[] {
  const groups: Mismatch[][] = [];
  for (const mismatch of mismatches) {
    const group = groups.find(([first]) => first !== undefined && sameFault(first, mismatch));
    if (group === undefined) groups.push([mismatch]);
    else group.push(mismatch);
  }
  return groups.map((group) => {
    const [first, ...others] = group as [Mismatch, ...Mismatch[]];
    if (others.length === 0) return first;
    const gfns = others.slice(0, GFNS_SHOWN).map(({ gfn }) => `0x${gfn?.toString(16)}`);
    const more = others.length > GFNS_SHOWN ? `, and ${others.length - GFNS_SHOWN} more` : '';
    return { ...first, seen: `${first.seen} (so too at gfn ${gfns.join(', ')}${more})` };
  });
}

function failureOf(
  mismatch: Mismatch,
  rerun: string,
  source?: ScenarioSource,
): ScenarioResult['failures'][number] {
  const { why, step, ...rest } = mismatch;
  const line = source?.lines[step];
  return {
    step,
    ...(line && { line }),
    ...rest,
    sources: [...new Set(why.map((rule) => `${rule.text} (${rule.source})`))],
    rerun,
  };
}

/** Standard input has no name that leads anybody to it. */
const fileOf = (source: ScenarioSource | undefined): Pick<ScenarioResult, 'file'> =>
  source === undefined || source.file === '-' ? {} : { file: source.file };

/** Turn a verdict into what reports show; `rerun` is the command that runs this scenario alone. */
export function toResult(
  scenario: Scenario,
  recording: Recording,
  verdict: Verdict,
  rerun: string,
  source?: ScenarioSource,
): ScenarioResult {
  const { leaves, zaps, kept, msrs, effective, walks, ioctls } = verdict.checks;
  const step =
    recording.outcome === 'error' && recording.step !== undefined ? ` (in step ${recording.step + 1})` : '';
  return {
    ...nameParts(scenario.name),
    ...fileOf(source),
    status: verdict.status,
    durationMs: Math.round(recording.durationMs * 10) / 10,
    checks: { leaves, zaps, kept, msrs, effective, ...(walks && { walks }), ioctls },
    failures: merge(verdict.mismatches).map((mismatch) => failureOf(mismatch, rerun, source)),
    errata: verdict.notes.map(({ id, kernels, text }) => ({ id, kernels, text })),
    ...(recording.outcome === 'skip' ? { skip: recording.missing } : {}),
    ...(verdict.message === undefined ? {} : { error: `${verdict.message}${step}` }),
  };
}

/** A scenario that has no verdict because the kernel, its machine or the agent died. */
export function lostResult(
  scenario: Scenario,
  reason: string,
  started: boolean,
  source?: ScenarioSource,
): ScenarioResult {
  const checks = { leaves: 0, zaps: 0, kept: 0, msrs: 0, effective: 0, ioctls: 0 };
  const common = {
    ...nameParts(scenario.name),
    ...fileOf(source),
    durationMs: 0,
    checks,
    failures: [],
    errata: [],
  };
  if (started) return { ...common, status: 'error', error: `it was running when ${reason}` };
  return {
    ...common,
    status: 'skip',
    skip: { reason: `not run: ${reason}`, lift: 'see what ended the run early, above or below' },
  };
}
