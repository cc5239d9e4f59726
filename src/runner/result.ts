import type { ScenarioResult } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import type { Recording } from './recording.js';
import type { Mismatch, Verdict } from './verdict.js';

const nameParts = (name: string): { family: string; name: string } => {
  const slash = name.indexOf('/');
  return { family: name.slice(0, slash), name: name.slice(slash + 1) };
};

function failureOf(mismatch: Mismatch, rerun: string): ScenarioResult['failures'][number] {
  const { why, ...rest } = mismatch;
  return { ...rest, sources: [...new Set(why.map((rule) => `${rule.text} (${rule.source})`))], rerun };
}

/** Turn a verdict into what reports show; `rerun` is the command that runs this scenario alone. */
export function toResult(
  scenario: Scenario,
  recording: Recording,
  verdict: Verdict,
  rerun: string,
): ScenarioResult {
  const { leaves, zaps, kept, msrs, effective } = verdict.checks;
  const step =
    recording.outcome === 'error' && recording.step !== undefined ? ` (in step ${recording.step + 1})` : '';
  return {
    ...nameParts(scenario.name),
    status: verdict.status,
    durationMs: Math.round(recording.durationMs * 10) / 10,
    checks: { leaves, zaps, kept, msrs, effective },
    failures: verdict.mismatches.map((mismatch) => failureOf(mismatch, rerun)),
    errata: verdict.notes.map(({ id, kernels, text }) => ({ id, kernels, text })),
    ...(recording.outcome === 'skip' ? { skip: recording.missing } : {}),
    ...(verdict.message === undefined ? {} : { error: `${verdict.message}${step}` }),
  };
}

/** A scenario that has no verdict because the kernel or its machine died. */
export function lostResult(scenario: Scenario, reason: string, started: boolean): ScenarioResult {
  const checks = { leaves: 0, zaps: 0, kept: 0, msrs: 0, effective: 0 };
  const common = { ...nameParts(scenario.name), durationMs: 0, checks, failures: [], errata: [] };
  if (started) return { ...common, status: 'error', error: `it was running when ${reason}` };
  return {
    ...common,
    status: 'skip',
    skip: { reason: `not run: ${reason}`, lift: 'see what became of the kernel, above or below' },
  };
}
