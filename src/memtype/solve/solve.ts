import { MEM_TYPES, type MemType } from '../../arch/memory-types.js';
import { VARIABLE_COUNT } from '../../arch/msrs.js';
import { gpaOf, PAGE_SIZE } from '../../arch/units.js';
import type { MtrrConfig, VariableConfig } from '../sdm/config.js';
import { type Want, WantedMap } from './wanted.js';

/** MTRRs that give the wanted types, with as few pairs as can be. */
export interface Solution {
  readonly config: MtrrConfig;
  readonly pairs: readonly VariableConfig[];
  /** More pairs than a guest of KVM has. */
  readonly tooMany: boolean;
}

/** What is asked of the solver. */
export interface SolveOptions {
  readonly maxphyaddr: number;
  /**
   * Right by the SDM is enough. Otherwise pairs overlap only where KVM up to 6.10 combines them as the SDM does: there UC wins only
   * over ranges that it begins together with (D1).
   */
  readonly sdmOnly?: boolean;
}

/** What the pairs around a block give it. */
interface State {
  /** Undefined where no pair covers it: the default type. */
  readonly type: MemType | undefined;
  /** All of these pairs begin where the block does. */
  readonly together: boolean;
}

interface Pair {
  readonly start: number;
  readonly frames: number;
  readonly type: MemType;
}

/** The cheapest way to fill a block, and how many pairs it takes. */
interface Plan {
  readonly cost: number;
  readonly here?: Pair;
  readonly parts?: readonly [Plan, Plan];
}

const NOTHING: Plan = { cost: 0 };
const IMPOSSIBLE: Plan = { cost: Number.POSITIVE_INFINITY };
const OUTSIDE: State = { type: undefined, together: true };

/** Pairs are blocks of a power of two, so they lie within each other or apart: the best ones for a block follow from those for its halves. */
class Solver {
  private readonly known = new Map<string, Plan>();

  constructor(
    private readonly wanted: WantedMap,
    private readonly def: MemType,
    private readonly sdmOnly: boolean,
  ) {}

  solve(): Plan {
    return this.split(0, this.wanted.end, OUTSIDE);
  }

  /** What a pair over a whole block adds to those around it; undefined where that is not defined, or of no use. */
  private combined(state: State, type: MemType): State | undefined {
    if (state.type === undefined) return { type, together: true };
    if (state.type === type || state.type === 'UC') return undefined;
    if (type === 'UC') return state.together || this.sdmOnly ? { type, together: state.together } : undefined;
    const through = (t: MemType): boolean => t === 'WT' || t === 'WB';
    return through(type) && through(state.type) ? { type: 'WT', together: state.together } : undefined;
  }

  private block(start: number, frames: number, state: State): Plan {
    const { end, type } = this.wanted.spanAt(start);
    if (start + frames <= end) return this.uniform(start, frames, state, type);
    const key = `${start}:${frames}:${state.type}:${state.together}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    let best = this.split(start, frames, state);
    for (const pair of MEM_TYPES) {
      const inside = this.combined(state, pair);
      if (inside === undefined) continue;
      const plan = this.split(start, frames, inside);
      if (plan.cost + 1 < best.cost)
        best = {
          cost: plan.cost + 1,
          here: { start, frames, type: pair },
          ...(plan.parts && { parts: plan.parts }),
        };
    }
    this.known.set(key, best);
    return best;
  }

  private split(start: number, frames: number, state: State): Plan {
    const half = frames / 2;
    const left = this.block(start, half, state);
    const right = this.block(start + half, half, { ...state, together: state.type === undefined });
    return { cost: left.cost + right.cost, parts: [left, right] };
  }

  private uniform(start: number, frames: number, state: State, want: MemType | undefined): Plan {
    if (want === undefined || (state.type ?? this.def) === want) return NOTHING;
    const type = MEM_TYPES.find((pair) => this.combined(state, pair)?.type === want);
    return type === undefined ? IMPOSSIBLE : { cost: 1, here: { start, frames, type } };
  }
}

const pairsOf = (plan: Plan): Pair[] => [
  ...(plan.here === undefined ? [] : [plan.here]),
  ...(plan.parts ?? []).flatMap(pairsOf),
];

/** Ties go to the first: most firmware has UC as its default. */
const DEFAULTS: readonly MemType[] = ['UC', 'WB', 'WT', 'WP', 'WC'];

/**
 * The fewest pairs, and the default type, that give memory the wanted types: fixed ranges are off.
 *
 * @param wants a later one counts more; what none tells may have any type
 */
export function solveMtrrs(wants: readonly Want[], { maxphyaddr, sdmOnly = false }: SolveOptions): Solution {
  const wanted = new WantedMap(2 ** (maxphyaddr - 12), wants);
  const plans = DEFAULTS.map((def) => ({ def, plan: new Solver(wanted, def, sdmOnly).solve() }));
  const { def, plan } = plans.reduce((best, next) => (next.plan.cost < best.plan.cost ? next : best));
  const pairs = pairsOf(plan).map(
    ({ start, frames, type }, index): VariableConfig => ({
      index,
      type,
      base: gpaOf(start),
      size: BigInt(frames) * BigInt(PAGE_SIZE),
    }),
  );
  return {
    config: { def: { type: def, enabled: true, fixedEnabled: false }, variable: pairs },
    pairs,
    tooMany: pairs.length > VARIABLE_COUNT,
  };
}
