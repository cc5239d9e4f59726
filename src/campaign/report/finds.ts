import type { ScenarioResult } from '../../report/types.js';
import type { FuzzOutcome } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { Results } from './read.js';

type Find = FuzzOutcome['finds'][number];

/** What random scenarios found: finds that fail in one way and were cut down to the same steps are one. */
export interface FindGroup {
  kind: string;
  /** The simplest scenario, as a file. */
  scenario: string;
  steps: number;
  result: ScenarioResult;
  /** `kernel, variant: fuzz/s<seed>-<number>` */
  where: string[];
  times: number;
}

/** A scenario without its name and title, which bear the seed. */
const withoutName = (scenario: string): string => scenario.replace(/^ {2}"(?:name|title)": .*\n/gm, '');

const stepsIn = (scenario: string): number => scenario.match(/^ {4}\{ "do": /gm)?.length ?? 0;

/** The finds of all jobs, those that are the same told once; the shortest first. */
export function findsOf(table: Table, results: Results): FindGroup[] {
  const groups = new Map<string, FindGroup>();
  const add = (find: Find, where: string): void => {
    const key = `${find.kind}\n${withoutName(find.scenario)}`;
    const { kind, scenario, result } = find;
    const known = groups.get(key) ?? {
      kind,
      scenario,
      steps: stepsIn(scenario),
      result,
      where: [],
      times: 0,
    };
    known.where.push(where);
    known.times += find.times;
    groups.set(key, known);
  };
  for (const { cells } of table.kernels)
    for (const { kernel, variant, jobs } of cells)
      for (const { id, job } of jobs) {
        const done = job.kind === 'fuzz' ? table.jobs.get(id)?.result : undefined;
        if (done?.verdict !== 'fail') continue;
        const result = results.read(done.object);
        if (result.kind !== 'fuzz') continue;
        for (const find of result.fuzz.finds) add(find, `${kernel}, ${variant}: ${find.found}`);
      }
  return [...groups.values()].sort((a, b) => a.kind.localeCompare(b.kind) || a.steps - b.steps);
}
