import { createHash } from 'node:crypto';
import { z } from 'zod';
import { SUBJECTS } from '../../fuzz/generate.js';

/** Engines of the lab that a campaign may name; kernels called `host` run on this machine itself. */
export const ENGINES = ['bochs', 'qemu-tcg'] as const;

/** What a machine may have to have for a job on its own KVM, beside KVM itself: `numa` is several NUMA nodes. */
export const NEEDS = ['numa'] as const;

/** SHA-256, hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Of git. */
export const commit = z.string().regex(/^[0-9a-f]{40}$/);

/** Goes onto the command line of the lab's kernel: nothing but KVM's own parameters may get there. */
export const moduleParameter = z
  .string()
  .regex(
    /^(?:kvm|kvm_intel|kvm_amd|vfio|vfio_pci|vfio_iommu_type1)\.[a-zA-Z0-9_]+=[\x21\x23-\x7e]+$/,
    'module.name=value of KVM’s or VFIO’s modules is needed, as in kvm.tdp_mmu=N',
  );

const label = z.string().min(1).max(200);
const file = z.strictObject({ name: label, sha256 });

/** Where a job runs. `image` is null on a machine's own kernel, and only there `needs` means something. */
const where = {
  kernel: label,
  image: sha256.nullable(),
  engine: z.enum(['host', ...ENGINES]),
  needs: z.enum(NEEDS).optional(),
  params: z.array(moduleParameter),
  policy: label,
  timeout: z.int().positive(),
};

const buildJob = z.strictObject({
  kind: z.literal('build'),
  kernel: label,
  source: z.string().min(1),
  /** What a tree was a clean checkout of when the campaign was planned. */
  commit: commit.optional(),
  patches: z.array(file),
  configs: z.array(file),
});

const runJob = z.strictObject({
  kind: z.literal('run'),
  ...where,
  /** `all`, `quick`, or patterns. */
  scenarios: z.union([z.enum(['all', 'quick']), z.array(z.string())]),
  shard: z.tuple([z.int().positive(), z.int().positive()]),
  repeat: z.int().positive(),
  strict: z.boolean(),
});

const fuzzJob = z.strictObject({
  kind: z.literal('fuzz'),
  ...where,
  seed: z.int().nonnegative(),
  count: z.int().positive(),
  /** Seconds by the clock of the machine where the scenarios run. */
  time: z.int().positive().optional(),
  subjects: z.array(z.enum(SUBJECTS)),
});

/** One thing to be done by one process: a kernel to be built, scenarios to be run on one, or random ones. Data, no code. */
export const jobSchema = z.discriminatedUnion('kind', [buildJob, runJob, fuzzJob]);

/** One thing to be done by one process. */
export type Job = z.infer<typeof jobSchema>;
/** A kernel to be built. */
export type BuildJob = z.infer<typeof buildJob>;
/** Scenarios to be run on one kernel. */
export type RunJob = z.infer<typeof runJob>;

type Scalar = string | number | boolean | null | undefined;
type Flat = Readonly<Record<string, Scalar | readonly Scalar[]>>;

/** JSON whose keys are in order, whoever made the object. There may be very many: what JSON.stringify() can do it does. */
function canonical(fields: Flat): string {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(fields).sort()) sorted[key] = fields[key];
  return JSON.stringify(sorted);
}

/** What files hold counts, not what they are called. */
const contents = (files: readonly { sha256: string }[]): string[] => files.map((one) => one.sha256);

/** What makes a job what it is: not what its kernel is called, nor in which order parameters stand. */
function identityOf(job: Job): Flat {
  const { kernel: _, ...rest } = job;
  if (rest.kind === 'build')
    return { ...rest, patches: contents(rest.patches), configs: contents(rest.configs) };
  return { ...rest, params: [...rest.params].sort() };
}

/**
 * The id of a job: a hash of what it is and of the program that does it. The same job has the same id wherever and whenever it is
 * made, so it is done once however often it is asked for.
 */
export const jobId = (job: Job, tool: string): string =>
  createHash('sha256')
    .update(canonical({ ...identityOf(job), tool }))
    .digest('hex');

/** A job in words, for people. */
export function jobTitle(job: Job): string {
  if (job.kind === 'build') return `build of ${job.kernel}`;
  const on = [
    job.kernel,
    ...(job.engine === 'host' || job.engine === 'bochs' ? [] : [job.engine]),
    ...job.params,
  ];
  if (job.kind === 'fuzz') return `seed ${job.seed} on ${on.join(',')}`;
  const [part, parts] = job.shard;
  return `${parts === 1 ? 'scenarios' : `scenarios ${part}/${parts}`} on ${on.join(',')}`;
}
