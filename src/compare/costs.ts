import { mean } from 'simple-statistics';
import { evidenceOf, type Move } from '../check/evidence/index.js';
import type { Environment, Recording } from '../recording/recording.js';
import { FEWEST_VALUES, type Ratio, ratioOf } from './ratio.js';
import type { BootCost, Side } from './side.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** Instructions of the lab's emulated processor in a millisecond of its own time (`ips` of src/lab/machine/bochs.ts). */
const INSTRUCTIONS_PER_MS = 20_000;

/** With fewer runs of each a difference cannot be told from chance: the first does not count. */
export const FEWEST_RUNS = FEWEST_VALUES + 1;

/** What is measured, and in what. */
interface Measure {
  measure:
    | 'leaves made'
    | 'leaves zapped'
    | 'time of scenarios'
    | 'zaps of a boot'
    | 'time in zaps of a boot';
  unit: '' | 'guest instructions' | 'ms';
}

/** What something takes on both sides. */
export interface Cost extends Measure, Ratio {
  /** The mean of each side. */
  from: number;
  to: number;
  /** Of how many runs. */
  runs: readonly [a: number, b: number];
  /** The second side takes more than it may, and not by chance. */
  beyond: boolean;
}

/** What one run of the scenarios took. */
interface Round {
  made: number;
  zapped: number;
  ms: number;
}

/** All that was measured of a side. */
interface Measured {
  side: Side;
  rounds: readonly Round[];
  boots: readonly BootCost[];
}

const isBochs = ({ side }: Measured): boolean => side.set.engine === 'bochs';
const tellsZaps = ({ side: { environment } }: Measured): boolean =>
  environment !== undefined && evidenceOf(environment).tellsZaps;

/** The values of each measure, one a run; none where it was not measured. */
const MEASURES: readonly (Measure & { of: (measured: Measured) => number[] })[] = [
  { measure: 'leaves made', unit: '', of: ({ rounds }) => rounds.map(({ made }) => made) },
  {
    measure: 'leaves zapped',
    unit: '',
    of: (measured) => (tellsZaps(measured) ? measured.rounds.map(({ zapped }) => zapped) : []),
  },
  {
    measure: 'time of scenarios',
    unit: 'guest instructions',
    of: (measured) =>
      isBochs(measured) ? measured.rounds.map(({ ms }) => Math.round(ms * INSTRUCTIONS_PER_MS)) : [],
  },
  {
    measure: 'time of scenarios',
    unit: 'ms',
    of: (measured) => (isBochs(measured) ? [] : measured.rounds.map(({ ms }) => ms)),
  },
  { measure: 'zaps of a boot', unit: '', of: ({ boots }) => boots.map(({ zaps }) => zaps) },
  {
    measure: 'time in zaps of a boot',
    unit: 'ms',
    of: ({ boots }) => boots.map(({ ns }) => ns / 1e6),
  },
];

const isMade = (move: Move): boolean =>
  move.kind === 'shadow' || ((move.kind === 'make' || move.kind === 'rewrite') && move.fault);
const isZap = ({ kind }: Move): boolean => kind === 'zap' || kind === 'zap-all';

function roundOf(recordings: readonly Ran[], env: Environment): Round {
  const steps = recordings.flatMap((recording) => recording.steps);
  const moves = steps.flatMap((step) => evidenceOf(env).read(step)?.moves ?? []);
  return {
    made: moves.filter(isMade).length,
    zapped: moves.filter(isZap).length,
    ms: recordings.reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}

/** The recordings of a scenario, if every round of it ran. */
function everyRound({ rounds }: Side, name: string): readonly Ran[] {
  const all = rounds?.get(name) ?? [];
  const ran = all.filter((recording): recording is Ran => recording.outcome === 'ran');
  return ran.length === all.length ? ran : [];
}

/** The first run of a machine also compiles and fills caches: it says nothing of the kernel. */
const afterWarmUp = <T>(runs: readonly T[]): readonly T[] => runs.slice(1);

/** What these scenarios took together in each round. */
function roundsOf(side: Side, names: readonly string[]): Round[] {
  const { environment } = side;
  if (environment === undefined || names.length === 0) return [];
  const all = names.map((name) => everyRound(side, name));
  const count = Math.min(...all.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) =>
    roundOf(
      all.map((recordings) => recordings[i] as Ran),
      environment,
    ),
  );
}

/**
 * What the scenarios that ran in every round on both sides took, and the boots of VMs. One round alone tells no costs.
 * @param most as how many times of the first side's is too much
 */
export function costsOf(a: Side, b: Side, names: readonly string[], most = Number.POSITIVE_INFINITY): Cost[] {
  const both = names.filter((name) => Math.min(everyRound(a, name).length, everyRound(b, name).length) > 1);
  const measure = (side: Side): Measured => ({
    side,
    rounds: afterWarmUp(roundsOf(side, both)),
    boots: afterWarmUp(side.boots ?? []),
  });
  const [left, right] = [measure(a), measure(b)];
  return MEASURES.flatMap(({ of, ...what }) => {
    const [before, after] = [of(left), of(right)];
    if (before.length === 0 || after.length === 0) return [];
    const ratio = ratioOf(before, after);
    const least = ratio.ratio === null ? Number.POSITIVE_INFINITY : (ratio.interval?.[0] ?? 0);
    const runs = [before.length, after.length] as const;
    return [{ ...what, ...ratio, from: mean(before), to: mean(after), runs, beyond: least > most }];
  });
}
