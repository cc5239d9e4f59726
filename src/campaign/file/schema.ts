import { z } from 'zod';
import { SUBJECTS } from '../../fuzz/generate.js';
import { ENGINES, moduleParameter, NEEDS, sha256 } from '../jobs/job.js';

// What a campaign.yaml may hold. docs/campaign.md tells it in words.

const MOST_SEEDS = 100_000;
const seedNumber = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const text = z.string().min(1).max(1000);

/** What kernels are called in reports: part of the names of tests. */
const name = z
  .string()
  .regex(/^[\w.+:@ -]{1,80}$/, 'letters, digits, blanks and . _ + : @ - only, 80 at most');

const built = z
  .strictObject({
    name: name.optional().meta({ description: 'what reports call it' }),
    source: text.meta({ description: 'debian:<version>, a kernel tree or a tarball' }),
    patches: z.array(text).default([]).meta({ description: 'unified diffs, applied in order' }),
    configs: z.array(text).default([]).meta({ description: 'files with further options' }),
    range: text.optional().meta({
      description:
        'commits a..b of the git tree in `git`: one kernel for each, `source` with the patches up to it; `source` stands at what they are upon',
    }),
    git: text.optional().meta({ description: 'the git tree of `range`; `source` if not given' }),
  })
  .refine(({ git, range }) => git === undefined || range !== undefined, 'git needs a range');

const image = z.strictObject({
  name: name.optional(),
  image: text.meta({ description: 'a bzImage' }),
});

const images = z.strictObject({
  images: text.meta({ description: 'bzImages, with * for any part of a file name' }),
});

const imageByHash = z.strictObject({
  name: name.optional(),
  sha256: sha256.meta({ description: 'of a bzImage that one of the places has' }),
});

const host = z.strictObject({
  name: name.optional(),
  host: z.enum(NEEDS).meta({ description: 'what the machine must have: numa is several NUMA nodes' }),
});

const kernel = z.union([text, built, image, images, imageByHash, host]).meta({
  description: 'host (this machine), debian:<version>, the path of a bzImage, or one of the objects',
});

const seeds = z
  .union([
    z.array(seedNumber).min(1).max(MOST_SEEDS),
    z.strictObject({ from: seedNumber, count: z.int().min(1).max(MOST_SEEDS) }),
  ])
  .transform((given) =>
    Array.isArray(given) ? given : Array.from({ length: given.count }, (_, i) => given.from + i),
  );

const MOST_RANDOM = 100_000;
/** Random scenarios of a seed, if neither their number nor a time is given. */
const DEFAULT_RANDOM = 100;

const fuzzSubjects = z.array(z.enum(SUBJECTS)).default([]);

const fuzz = z
  .strictObject({
    seeds,
    count: z
      .int()
      .min(1)
      .max(MOST_RANDOM)
      .optional()
      .meta({
        description: `most random scenarios of each seed, which is one job; ${DEFAULT_RANDOM} if neither this nor time is given`,
      }),
    time: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .meta({ description: 'seconds for each seed, by the clock of the machine where its scenarios run' }),
    subjects: fuzzSubjects.meta({ description: 'what steps are about; all if none' }),
  })
  .transform(({ count, time, ...rest }) => ({
    ...rest,
    count: count ?? (time === undefined ? DEFAULT_RANDOM : MOST_RANDOM),
    ...(time !== undefined && { time }),
  }));

/** The random scenarios of a campaign, as its plan has them. */
export const plannedFuzz = z.strictObject({
  seeds: z.array(z.int()),
  count: z.int(),
  time: z.int().optional(),
  subjects: fuzzSubjects,
});

const limits = z.strictObject({
  jobs: z.int().min(1).max(256).default(1).meta({ description: 'jobs at a time on this machine' }),
  attempts: z.int().min(1).max(10).default(3).meta({ description: 'how often a job is tried' }),
  backoff: z.int().min(0).max(3600).default(10).meta({
    description: 'seconds before a job is tried again; doubled each time',
  }),
  timeout: z.int().min(1).max(86_400).default(300).meta({ description: 'seconds for a machine' }),
  job: z.int().min(1).max(604_800).default(3600).meta({ description: 'seconds for a job in all' }),
});

/** A campaign as it is written. */
export const campaignFile = z
  .strictObject({
    campaign: name.meta({ description: 'its name' }),
    kernels: z.array(kernel).min(1),
    places: z.array(text).default([]).meta({
      description:
        'where images that are given by their sha256 are looked for: folders, http:// or https:// URLs, or s3://bucket/folder',
    }),
    parameters: z
      .record(name, z.array(moduleParameter))
      .default({ default: [] })
      .meta({ description: 'sets of module parameters by name; each kernel of the lab runs with each' }),
    engines: z.array(z.enum(ENGINES)).min(1).default(['bochs']),
    scenarios: z
      .union([z.enum(['all', 'quick', 'none']), z.array(text).min(1)])
      .default('all')
      .meta({ description: 'all, the quick set, none, or patterns of names' }),
    shards: z.int().min(1).max(100).default(1).meta({ description: 'jobs that share the scenarios out' }),
    repeat: z.int().min(1).max(1000).default(1),
    policy: text.default('auto'),
    strict: z.boolean().default(false),
    fuzz: fuzz.optional(),
    limits: limits.prefault({}),
    price: z
      .number()
      .nonnegative()
      .optional()
      .meta({ description: 'what an hour of a machine costs, in any unit' }),
    recordings: z
      .enum(['failed', 'none'])
      .default('failed')
      .meta({ description: 'of which runs what was observed is kept, for judge and compare' }),
    retention: z.int().min(1).default(100).meta({ description: 'runs that are kept' }),
  })
  .meta({ title: 'kvm-memtype campaign', description: 'Many kernels, parameters and seeds' });

/** A campaign as it is written, with its defaults. */
export type CampaignFile = z.infer<typeof campaignFile>;
