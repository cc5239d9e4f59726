import { z } from 'zod';
import { gitOrigin } from '../../lab/index.js';
import { deathKinds } from '../../report/formats/crash.js';
import { runHeader } from '../../report/journal/records.js';
import { incomplete } from '../../report/schema.js';
import { scenarioSchema } from '../../scenario/schema.js';

/** Raised when a record changes its meaning or goes. */
export const RECORDING_VERSION = 1;

/** Machines that a session can have at most, now and in versions to come. */
const MOST_LANES = 64;

const text = z.string().max(10_000);
const texts = z.array(text).max(10_000);
const whole = z.number().int().nonnegative();
const uint32 = whole.max(0xffff_ffff);
const milliseconds = z.number().nonnegative();

const host = z.strictObject({ engine: z.literal('host'), device: text.nullable() });
const lab = z.strictObject({
  engine: z.enum(['bochs', 'qemu-tcg', 'qemu-kvm']),
  params: texts,
  identity: z
    .strictObject({
      image: text,
      sha256: text,
      release: text.exactOptional(),
      git: gitOrigin.exactOptional(),
    })
    .exactOptional(),
});

/** What `run` was asked for, so that each failure can name the command that shows it again. */
const again = z.strictObject({
  /** `--kernel` as it was given; this host's own where it is not. */
  kernel: text.exactOptional(),
  engine: text,
  timeout: whole,
  param: texts,
  vfio: text.exactOptional(),
  virtioType: uint32.exactOptional(),
  memslotFlag: uint32.exactOptional(),
  patch: texts.exactOptional(),
  witness: z.boolean().exactOptional(),
  /** The file of each scenario that came from one. */
  files: z.record(z.string(), text),
  /** Where the steps stand in each: the line of their list, and of each one. */
  lines: z.record(z.string(), z.array(whole.min(1)).max(100_001)).exactOptional(),
});

const kernel = z.strictObject({
  name: text,
  target: z.discriminatedUnion('engine', [host, lab]),
  policy: text,
  strict: z.boolean(),
  repeat: whole.min(1),
  /** Each scenario once, whole. */
  scenarios: z.array(scenarioSchema).max(20_000),
  /** In the order of the results: which scenario, which machine, which repetition, and whether its result was asked for. */
  slots: z.array(z.tuple([whole, whole.max(MOST_LANES - 1), whole, z.boolean()])).max(40_000),
  again,
});

const outcome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done'), status: z.number().int(), kernelWarnings: texts }),
  z.strictObject({ kind: z.enum(deathKinds), reason: text, consoleTail: texts }),
]);

/** What a line of a recording may be: all that a run was told, in the order in which it came. */
export const fileRecord = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run'),
    schema: z.literal('kvm-memtype/recording'),
    version: z.literal(RECORDING_VERSION),
    run: runHeader,
  }),
  z.strictObject({ type: z.literal('kernel'), kernel }),
  z.strictObject({ type: z.literal('line'), lane: whole.max(MOST_LANES - 1), line: z.string() }),
  /** The machine died; what it had not begun goes to one more. */
  z.strictObject({ type: z.literal('succeeded'), lane: whole.max(MOST_LANES - 1) }),
  z.strictObject({
    type: z.literal('kernel-end'),
    end: z.strictObject({ outcomes: z.array(outcome).max(MOST_LANES), durationMs: milliseconds }),
  }),
  z.strictObject({
    type: z.literal('end'),
    durationMs: milliseconds,
    incomplete: incomplete.exactOptional(),
  }),
]);

export type FileRecord = z.infer<typeof fileRecord>;
export type RecordedRequest = z.infer<typeof kernel>;
export type Again = z.infer<typeof again>;
