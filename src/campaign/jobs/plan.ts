import { z } from 'zod';
import { campaignFile, plannedFuzz } from '../file/schema.js';
import { type BuildJob, commit, type Job, jobId, NEEDS, sha256 } from './job.js';

const named = z.strictObject({ name: z.string(), sha256 });

/** A kernel of a campaign, with all that it is made of by its hash. */
const plannedKernel = z.strictObject({
  name: z.string(),
  from: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('host'), needs: z.enum(NEEDS).optional() }),
    z.strictObject({ kind: z.literal('image'), path: z.string(), sha256 }),
    z.strictObject({
      kind: z.literal('build'),
      source: z.string(),
      commit: commit.optional(),
      patches: z.array(named),
      configs: z.array(named),
    }),
  ]),
});

/** All that decides what the jobs of a campaign are: they are made from it again whenever they are needed. */
export const planSchema = z.strictObject({
  campaign: campaignFile.omit({ kernels: true, fuzz: true }).extend({
    fuzz: plannedFuzz.optional(),
  }),
  kernels: z.array(plannedKernel),
  /** Version and revision of the program. */
  tool: z.string(),
});

/** All that decides what the jobs of a campaign are. */
export type Plan = z.infer<typeof planSchema>;
/** A kernel of a campaign. */
export type PlannedKernel = Plan['kernels'][number];

/** A way in which kernels are run: an engine and a set of parameters. */
export interface Variant {
  name: string;
  engine: Exclude<Job, BuildJob>['engine'];
  params: readonly string[];
  needs?: Exclude<Job, BuildJob>['needs'];
}

/** A job and its id. */
export interface PlannedJob {
  id: string;
  job: Job;
}

/** The jobs of one kernel in one variant: a cell of the report's matrix. */
export interface Cell {
  kernel: string;
  variant: string;
  jobs: readonly PlannedJob[];
}

/** How kernels of the lab are run: each engine with each set of parameters. */
function variantsOf({ campaign }: Plan): Variant[] {
  const { engines, parameters } = campaign;
  return engines.flatMap((engine) =>
    Object.entries(parameters).map(([name, params]) => ({
      name: engines.length === 1 ? name : `${engine} ${name}`,
      engine,
      params,
    })),
  );
}

const HOST: Variant = { name: 'host', engine: 'host', params: [] };

/** The variants of a report: those of the lab, and this machine where it takes part. */
export const columnsOf = (plan: Plan): string[] => [
  ...(plan.kernels.some(({ from }) => from.kind === 'host') ? [HOST.name] : []),
  ...(plan.kernels.some(({ from }) => from.kind !== 'host') ? variantsOf(plan).map(({ name }) => name) : []),
];

/** How one kernel is run. */
const variantsFor = (plan: Plan, { from }: PlannedKernel): Variant[] =>
  from.kind === 'host' ? [{ ...HOST, needs: from.needs }] : variantsOf(plan);

/** The job that builds a kernel, if it is one that is built. */
export function buildOf({ tool }: Plan, { name, from }: PlannedKernel): PlannedJob | undefined {
  if (from.kind !== 'build') return undefined;
  const { kind, ...of } = from;
  const job: BuildJob = { kind, kernel: name, ...of };
  return { id: jobId(job, tool), job };
}

function jobsOf(
  { campaign }: Plan,
  kernel: string,
  image: string | null,
  { engine, params, needs }: Variant,
): Job[] {
  const { scenarios, shards, repeat, strict, policy, fuzz, limits } = campaign;
  const where = {
    kernel,
    image,
    engine,
    ...(needs && { needs }),
    params: [...params],
    policy,
    timeout: limits.timeout,
  };
  const runs =
    scenarios === 'none'
      ? []
      : Array.from({ length: shards }, (_, i): Job => {
          const shard: [number, number] = [i + 1, shards];
          return { kind: 'run', ...where, scenarios, shard, repeat, strict };
        });
  const fuzzes = (fuzz?.seeds ?? []).map((seed): Job => {
    const { seeds: _, ...of } = fuzz as NonNullable<typeof fuzz>;
    return { kind: 'fuzz', ...where, seed, ...of };
  });
  return [...runs, ...fuzzes];
}

/** How many jobs a cell has, whatever its kernel is: the same seed twice is one. */
const jobsPerCell = ({ campaign }: Plan): number =>
  (campaign.scenarios === 'none' ? 0 : campaign.shards) + new Set(campaign.fuzz?.seeds).size;

/** How many jobs a kernel has, its build aside: sets of the same parameters share theirs. */
export function jobsOfKernel(plan: Plan, kernel: PlannedKernel): number {
  const ways = variantsFor(plan, kernel).map(({ engine, params }) =>
    [engine, ...[...params].sort()].join('\n'),
  );
  return new Set(ways).size * jobsPerCell(plan);
}

/** The cells of one kernel, once its image is known; null is this machine's own kernel. */
export function cellsOf(plan: Plan, kernel: PlannedKernel, image: string | null): Cell[] {
  return variantsFor(plan, kernel).map((variant) => ({
    kernel: kernel.name,
    variant: variant.name,
    jobs: jobsOf(plan, kernel.name, image, variant).map((job) => ({ id: jobId(job, plan.tool), job })),
  }));
}
