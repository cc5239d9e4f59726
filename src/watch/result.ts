import { ALL_POLICIES, ERRATA, type Policy } from '../memtype/index.js';
import type { Timeline } from '../report/html/timeline.js';
import type { Failure, ResultSet, ScenarioResult } from '../report/types.js';
import type { WatchRecording } from './record.js';
import { isAsExpected, reportOf, type VmReport } from './report.js';
import type { WatchedVm } from './vm.js';
import type { Watcher } from './watcher.js';

const START = 'the VM begins';

/** What of a watch is no result of a scenario's. */
export interface WatchedResult {
  readonly set: ResultSet;
  readonly timelines: ReadonlyMap<ScenarioResult, Timeline>;
}

const sourcesOf = ({ name }: Policy): string[] => [`what a fault makes by the rules of policy ${name}`];

/** Each leaf that is otherwise; its step is the number of changes of registers, devices and quirks before it. */
function failuresOf(vm: WatchedVm, rerun: string): Failure[] {
  const sources = sourcesOf(vm.policy);
  const leaves = vm.verdict.departures.map(({ gfn, level, vcpu, expected, seen, epoch }) => ({
    ...{ step: epoch, stepText: vm.epochs[epoch - 1]?.text ?? START },
    ...{ vcpu, gfn, what: `leaf of level ${level}`, expected, seen, sources, rerun },
  }));
  const zaps = vm.zaps.missing.map(({ cause, frames, epoch }) => ({
    ...{ step: epoch, stepText: cause },
    ...{ what: 'zap', expected: `a zap of ${frames}`, seen: 'none', sources, rerun },
  }));
  return [...leaves, ...zaps];
}

function erratum(id: NonNullable<VmReport['stale'][number]['erratum']>): ScenarioResult['errata'][number] {
  const { title, kernels } = ERRATA.get(id) as { title: string; kernels: string };
  return { id, kernels, text: title };
}

function scenarioOf(vm: WatchedVm, number: number, durationMs: number, rerun: string): ScenarioResult {
  const report = reportOf(vm);
  const { right, wrong, untold } = report.verdict;
  const nothing = right + wrong === 0 && report.missingZaps.length === 0;
  const met = new Set(report.stale.flatMap(({ erratum: id }) => id ?? []));
  return {
    ...{ family: 'watch', name: `vm-${number}`, durationMs },
    status: nothing ? 'skip' : isAsExpected(report) ? 'pass' : 'fail',
    checks: { leaves: right + wrong, zaps: report.zaps.reduce((sum, { calls }) => sum + calls, 0) },
    failures: failuresOf(vm, rerun),
    errata: [...met].map(erratum),
    ...(nothing && {
      skip: {
        reason: `of ${untold} leaves none can be judged`,
        lift: 'start the VM behind `watch --`, so that its registers are known',
      },
    }),
  };
}

/** Whether all of it is as a policy has it. */
const isExplained = (watcher: Watcher): boolean => watcher.vms.every((vm) => isAsExpected(reportOf(vm)));

/** Policies of guests on EPT by which all that was seen is as it must be. */
const explaining = (recording: WatchRecording): string[] =>
  ALL_POLICIES.filter(({ paging }) => paging === 'ept')
    .map(({ name }) => name)
    .filter((name) => isExplained(recording.watch(name)));

/**
 * Judge what `watch --record` kept, as results: a scenario for each VM.
 * @param policy another than that of the kernel that it ran on
 * @param rerun the command that shows it
 */
export function resultOfWatch(
  recording: WatchRecording,
  policy: string | undefined,
  rerun: string,
): WatchedResult {
  const watcher = recording.watch(policy, true);
  const { release, cpu } = recording.host;
  const durationMs = Math.round(watcher.us / 1000);
  const results = watcher.vms.map((vm, i) => scenarioOf(vm, i + 1, durationMs, rerun));
  const timelines = watcher.vms.flatMap((vm, i) => {
    const timeline = vm.story?.timeline(vm.leaves.all());
    return timeline === undefined ? [] : [[results[i] as ScenarioResult, timeline] as const];
  });
  const { lost } = watcher;
  const set: ResultSet = {
    ...{ name: `watch on ${release}`, release, engine: 'host', durationMs, scenarios: results },
    policy: {
      name: watcher.host.policy.name,
      how: policy === undefined ? 'hint' : 'forced',
      explainedBy: isExplained(watcher) ? [] : explaining(recording),
    },
    fingerprint: { cpu, ept: true, params: {}, capabilities: {} },
    planned: results.length,
    ...(lost > 0 && { incomplete: { reason: 'failed', text: `the kernel dropped ${lost} events` } }),
  };
  return { set, timelines: new Map(timelines) };
}
