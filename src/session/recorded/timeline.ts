import { isDeepStrictEqual } from 'node:util';
import { pagesOf } from '../../arch/units.js';
import { covers, type Move, type SeenLeaf, show } from '../../check/evidence/index.js';
import type { Watch, WatchedStep } from '../../check/watch/watch.js';
import type { Leaf, VmModel } from '../../memtype/index.js';
import type { LeafRun, MapRange, Timeline, TimelineStep } from '../../report/html/timeline.js';
import { describeStep } from '../../scenario/describe.js';
import type { Scenario } from '../../scenario/types.js';

const whyOf = ({ why }: Leaf): Pick<LeafRun, 'why'> => ({
  why: why.map(({ text, source }) => ({ text, source })),
});

/** A leaf that came, beside the one that the model has there. */
function madeRun(kind: Move['kind'], seen: SeenLeaf, { effect, model }: WatchedStep): LeafRun {
  const ofStep = kind === 'shadow' ? effect?.shadowMade : effect?.made;
  const expected =
    ofStep?.find(({ gfn }) => covers(seen, gfn)) ?? (kind === 'shadow' ? undefined : model.leafAt(seen.gfn));
  const { gfn, level } = seen;
  const run = { gfn, level, count: 1, seen: show(seen) };
  return expected === undefined ? run : { ...run, expected: show(expected), ...whyOf(expected) };
}

/** The leaves that went; where nothing traces them, those that had to. */
function zappedRuns({ effect, moves }: WatchedStep): LeafRun[] {
  const seen = moves.flatMap((move) => (move.kind === 'zap' ? [move.leaf] : []));
  const expected = new Map((effect?.zapped ?? []).map((leaf) => [leaf.gfn, show(leaf)]));
  const untraced = [...(effect?.zapped ?? [])].filter(({ gfn }) => !seen.some((leaf) => leaf.gfn === gfn));
  return [
    ...seen.map((leaf): LeafRun => {
      const wanted = expected.get(leaf.gfn);
      const run = { gfn: leaf.gfn, level: leaf.level, count: 1, seen: show(leaf) };
      return wanted === undefined ? run : { ...run, expected: wanted };
    }),
    ...untraced.map(({ gfn, level, ...leaf }): LeafRun => ({ gfn, level, count: 1, expected: show(leaf) })),
  ];
}

/** Put leaves together that follow one another and are alike. */
function together(runs: readonly LeafRun[]): LeafRun[] {
  const merged: LeafRun[] = [];
  for (const run of [...runs].sort((a, b) => a.gfn - b.gfn)) {
    const last = merged.at(-1);
    const { gfn: _, count: __, ...own } = run;
    if (last !== undefined && run.gfn === last.gfn + last.count * pagesOf(last.level as 1 | 2 | 3)) {
      const { gfn: ___, count: ____, ...other } = last;
      if (isDeepStrictEqual(own, other)) {
        last.count++;
        continue;
      }
    }
    merged.push({ ...run });
  }
  return merged;
}

function mapOf(model: VmModel): MapRange[] {
  const ranges: MapRange[] = [];
  for (const leaf of [...model.leaves()].sort((a, b) => a.gfn - b.gfn)) {
    const type = `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`;
    const last = ranges.at(-1);
    const pages = pagesOf(leaf.level);
    if (last !== undefined && last.type === type && last.gfn + last.pages === leaf.gfn) last.pages += pages;
    else ranges.push({ gfn: leaf.gfn, pages, type });
  }
  return ranges;
}

/** Looks on while the recording of a scenario is judged, and tells what happened in it. */
export class TimelineWatch {
  readonly #steps: TimelineStep[];
  #model: VmModel | undefined;

  constructor(readonly scenario: Scenario) {
    this.#steps = scenario.steps.map((step) => ({ text: describeStep(step), made: [], zapped: [] }));
  }

  readonly watch: Watch = (watched) => {
    this.#model = watched.model;
    const step = this.#steps[this.scenario.steps.indexOf(watched.step)];
    if (step === undefined) return;
    const made = watched.moves.flatMap((move) =>
      move.kind === 'make' || move.kind === 'rewrite' || move.kind === 'shadow'
        ? [madeRun(move.kind, move.leaf, watched)]
        : [],
    );
    step.made = together(made);
    step.zapped = together(zappedRuns(watched));
  };

  /** Undefined where no step was judged. */
  get timeline(): Timeline | undefined {
    return this.#model === undefined ? undefined : { steps: this.#steps, map: mapOf(this.#model) };
  }
}
