import { z } from 'zod';
import { GFN_LIMIT } from '../arch/units.js';
import { parseTrace } from '../observe/events.js';
import { AGENT_ERROR_CODES } from './error-codes.js';
import { KERNEL_LINE_LENGTH, KERNEL_LINES } from './kernel-log.js';
import type { AgentMessage, RawRecording, Recording } from './recording.js';
import { decodeJson, TEXT_LIMIT, unpackText } from './wire.js';

const u64 = z.bigint().nonnegative();
const gfn = z.number().int().nonnegative().max(GFN_LIMIT);
const text = z.string().max(10_000);
const missing = z.strictObject({ reason: text, lift: text });

const stepIndex = z.number().int().min(-1).max(100_000);
const count = z.number().int().nonnegative();

const vector = z.number().int().min(0).max(255);
const MOST_ACCESSES = 4096;
const msrExit = z.strictObject({
  vcpu: z.number().int().min(0).max(7),
  msr: z.number().int().min(0).max(0xffff_ffff),
  write: u64.optional(),
  reason: z.enum(['INVAL', 'UNKNOWN', 'FILTER', 'other']),
});

const MOST_SAVED = 4096;
const restored = z.strictObject({
  saved: count.max(MOST_SAVED),
  written: count.max(MOST_SAVED),
  odd: z
    .array(
      z.strictObject({ msr: z.number().int().min(0).max(0xffff_ffff), saved: u64, read: u64.optional() }),
    )
    .max(MOST_SAVED),
});

const tableLevel = z.number().int().min(1).max(4);
const walk = z.strictObject({
  pte: u64,
  pteLevel: tableLevel,
  epte: u64,
  level: tableLevel,
  host: u64,
  pat: u64,
});

const stepPart = z.strictObject({
  ok: z.boolean().optional(),
  value: u64.optional(),
  result: z.string().max(40).optional(),
  vector: vector.optional(),
});

const stepRecord = z.strictObject({
  step: stepIndex,
  ...stepPart.shape,
  start: u64.optional(),
  mmio: count.max(1000).optional(),
  dirty: z
    .array(count.max(1 << 20))
    .max(5000)
    .optional(),
  walk: walk.optional(),
  exit: z.number().int().min(0).max(0xffff_ffff).optional(),
  msrs: z
    .array(z.union([z.literal(true), u64, vector]))
    .max(MOST_ACCESSES)
    .optional(),
  restored: restored.optional(),
  exits: z.array(msrExit).max(MOST_ACCESSES).optional(),
  parts: z.array(stepPart).max(1000).optional(),
  leaves: z.array(z.number().int().nonnegative()).length(3).optional(),
});

const code = z.enum(AGENT_ERROR_CODES);

const kernelLog = z.strictObject({
  lines: z
    .array(z.strictObject({ step: stepIndex, text: z.string().max(KERNEL_LINE_LENGTH) }))
    .max(KERNEL_LINES),
  lost: count,
});

const common = {
  scenario: text,
  durationMs: z.number().nonnegative(),
  notGivenBack: text.optional(),
  kernelLog: kernelLog.optional(),
};
const recording = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...common,
    outcome: z.literal('ran'),
    infra: z.array(z.strictObject({ gfn, npages: gfn })).max(1000),
    steps: z.array(stepRecord).max(100_000),
    trace: z.string().optional(),
  }),
  z.strictObject({ ...common, outcome: z.literal('skip'), missing }),
  z.strictObject({
    ...common,
    outcome: z.literal('error'),
    code,
    message: text,
    step: z.number().int().optional(),
    timedOut: z.boolean().optional(),
  }),
]);

const environment = z.strictObject({
  release: text,
  version: text,
  cpuModel: text,
  microcode: text.optional(),
  vendor: z.enum(['intel', 'amd', 'other']),
  paging: z.enum(['ept', 'npt', 'shadow']),
  quirks: z.number().int().nonnegative(),
  selfSnoop: z.boolean().optional(),
  cpu: z
    .strictObject({
      mtrr: z.boolean(),
      pat: z.boolean(),
      physBits: z.number().int().min(32).max(52).optional(),
    })
    .optional(),
  gpaBits: z.number().int().min(32).max(52).optional(),
  tracesChanges: z.boolean().optional(),
  virtioType: z.number().int().nonnegative(),
  memslotFlag: z.number().int().nonnegative(),
  noncoherent: text.nullable(),
  params: z.record(z.string(), text),
  kernelLog: z.union([z.enum(['own', 'shared']), missing]).optional(),
  witness: z.boolean().optional(),
  missing: z.record(z.string(), missing),
});

const zapCall = z.strictObject({ start: u64, end: u64, ns: z.number().nonnegative() });
const zaps = z.strictObject({
  vcpus: z.number().int().min(1).max(8),
  mib: z.number().int().min(1),
  calls: z.array(z.array(zapCall).max(10_000)).max(8),
});

/** An object of KVM: no path that leads elsewhere. */
const counted = z
  .string()
  .max(200)
  .regex(/^(?:arch\/x86|virt)\/kvm\/(?:[a-z0-9_-]+\/)*[a-z0-9_-]+\.gcda$/);
/** Many times what those of the largest object take. */
const MOST_COUNTERS = 4 << 20;

const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('environment'), environment }),
  z.strictObject({ type: z.literal('started'), scenario: text }),
  z.strictObject({ type: z.literal('recording'), recording }),
  z.strictObject({ type: z.literal('zaps'), measurement: zaps }),
  z.strictObject({ type: z.literal('counters'), name: counted, data: z.base64().max(MOST_COUNTERS) }),
  z.strictObject({ type: z.literal('end'), count }),
  z.strictObject({ type: z.literal('failed'), code, message: text }),
]);

/** A line from an agent is not a message; what was read is part of the text. */
export class WireError extends Error {
  readonly code = 'WIRE';
}

/** How many bytes of traces may still be unpacked; reading takes off it. */
export interface TraceBudget {
  left: number;
}

/**
 * Read one line from an agent. Trust nothing in it: it comes out of a kernel under test.
 * @param budget for many lines together; a trace that is longer than what is left cannot be read
 * @throws WireError
 */
export function decodeMessage(line: string, budget?: TraceBudget): AgentMessage {
  let json: unknown;
  try {
    json = decodeJson(line);
  } catch {
    throw new WireError(`not JSON: ${line.slice(0, 120)}`);
  }
  const parsed = message.safeParse(json);
  if (!parsed.success) throw new WireError(`not a message: ${z.prettifyError(parsed.error).slice(0, 300)}`);
  const read = parsed.data as AgentMessage<RawRecording>;
  return read.type === 'recording' ? { ...read, recording: readRecording(read.recording, budget) } : read;
}

/** Give each step the events of its part of the trace; a trace that cannot be read makes an error of the recording. */
function readRecording(raw: RawRecording, budget?: TraceBudget): Recording {
  if (raw.outcome !== 'ran') return raw;
  const { trace, ...rest } = raw;
  if (trace === undefined) return rest;
  try {
    const events = parseTrace(unpackWithin(trace, budget));
    const steps = rest.steps.map((record) => ({ ...record, events: events.get(record.step) ?? [] }));
    return { ...rest, steps };
  } catch (error) {
    const { infra: _, steps: __, ...head } = rest;
    return { ...head, outcome: 'error', code: 'TRACE', message: (error as Error).message };
  }
}

function unpackWithin(trace: string, budget: TraceBudget = { left: TEXT_LIMIT }): string {
  const text = unpackText(trace, Math.max(1, Math.min(TEXT_LIMIT, budget.left)));
  budget.left -= text.length;
  return text;
}
