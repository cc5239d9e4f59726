import { GFN_LIMIT, type GfnRange } from '../../arch/units.js';
import type { Leaf, VmModel } from '../../memtype/index.js';
import type { OpLane } from './lane-ops.js';

type Change = Extract<OpLane['ops'][number], { kind: 'change' }>;

/** All that decides types, once each lane has made so many of its changes: no lane's change undoes another's. */
interface State {
  readonly made: readonly number[];
  readonly model: VmModel;
  /** For each lane what its next change zaps; undefined once there is none left. */
  readonly zaps: readonly (readonly GfnRange[] | undefined)[];
  readonly fresh: Map<string, Leaf | undefined>;
}

/** Every state that the VM can be in while several change it, found by how many changes each has made. */
export class StateGrid {
  readonly #changes: readonly (readonly Change[])[];
  readonly #states = new Map<string, State>();
  #everyZap: readonly GfnRange[] | undefined;

  /** @param model as it is before the first change */
  constructor(
    lanes: readonly OpLane[],
    readonly model: VmModel,
  ) {
    this.#changes = lanes.map(({ ops }) => ops.filter((op): op is Change => op.kind === 'change'));
    const start = model.clone();
    // What is mapped bears on no decision.
    start.observeZap(0, GFN_LIMIT);
    this.#add(
      lanes.map(() => 0),
      start,
    );
  }

  #add(made: readonly number[], model: VmModel): void {
    const key = made.join();
    if (this.#states.has(key)) return;
    const next = made.map((n, lane): [GfnRange[], VmModel] | undefined => {
      const change = this.#changes[lane]?.[n];
      if (change === undefined) return undefined;
      const after = model.clone();
      return [after.apply(change.event).zapCalls, after];
    });
    this.#states.set(key, { made, model, zaps: next.map((entry) => entry?.[0]), fresh: new Map() });
    for (const [lane, entry] of next.entries())
      if (entry !== undefined)
        this.#add(
          made.map((n, i) => (i === lane ? n + 1 : n)),
          entry[1],
        );
  }

  #state(made: readonly number[]): State {
    return this.#states.get(made.join()) as State;
  }

  /** What the next change of a lane zaps in the state after so many changes of each. */
  zaps(made: readonly number[], lane: number): readonly GfnRange[] {
    return this.#state(made).zaps[lane] ?? [];
  }

  /** The leaf that a fault makes in that state. */
  fresh(made: readonly number[], vcpu: number, gfn: number): Leaf | undefined {
    const { model, fresh } = this.#state(made);
    const key = `${vcpu} ${gfn}`;
    if (!fresh.has(key)) fresh.set(key, model.expectedLeaf(vcpu, gfn));
    return fresh.get(key);
  }

  /** Every range that the `n`-th change of a lane, from 0, zaps in some state. */
  zapsOf(lane: number, n: number): readonly GfnRange[] {
    return [...this.#states.values()].flatMap(({ made, zaps }) =>
      made[lane] === n ? (zaps[lane] ?? []) : [],
    );
  }

  /** Every range that some change zaps in some state. */
  everyZap(): readonly GfnRange[] {
    this.#everyZap ??= [...this.#states.values()].flatMap(({ zaps }) =>
      zaps.flatMap((ranges = []) => ranges),
    );
    return this.#everyZap;
  }
}
