import type { ResultSet, RunResult, ScenarioResult } from '../types.js';
import type { Timeline } from './timeline.js';

/** What happened in scenarios, as far as it is known. */
export type Timelines = ReadonlyMap<ScenarioResult, Timeline>;

/** Results that were saved, and what is known beside. */
export interface SavedRun {
  run: RunResult;
  timelines: Timelines;
}

/** The results of one kernel at one time. */
export interface Column {
  kernel: string;
  set: ResultSet;
  run: RunResult;
  timelines: Timelines;
}

export const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;

/** Every kernel's results, the oldest first. */
export const columnsOf = (runs: readonly SavedRun[]): Column[] =>
  [...runs]
    .sort((a, b) => a.run.startedAt.localeCompare(b.run.startedAt))
    .flatMap(({ run, timelines }) => run.sets.map((set) => ({ kernel: set.name, set, run, timelines })));

/** The results of each kernel in the newest run that has it. */
export function newest(columns: readonly Column[]): Column[] {
  const last = new Map(columns.map(({ kernel, run }) => [kernel, run]));
  return columns.filter(({ kernel, run }) => last.get(kernel) === run);
}

/** The results of each kernel over time, the oldest first. */
export function byKernel(columns: readonly Column[]): Map<string, Column[]> {
  const kernels = new Map<string, Column[]>();
  for (const column of columns) kernels.set(column.kernel, [...(kernels.get(column.kernel) ?? []), column]);
  return kernels;
}
