import { z } from 'zod';
import type { AgentMessage } from './recording.js';
import { decodeJson } from './wire.js';

const u64 = z.bigint().nonnegative();
const gfn = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 40);
const level = z.number().int().min(1).max(5);
const text = z.string().max(10_000);
const missing = z.strictObject({ reason: text, lift: text });

const event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('change'), gfn, level, old: u64, new: u64 }),
  z.strictObject({ kind: z.literal('set'), gfn, level, spte: u64 }),
  z.strictObject({ kind: z.literal('zap-all') }),
]);

const stepRecord = z.strictObject({
  step: z.number().int().min(-1).max(100_000),
  ok: z.boolean().optional(),
  value: u64.optional(),
  result: z.string().max(40).optional(),
  vector: z.number().int().min(0).max(255).optional(),
  events: z.array(event).max(1_000_000).optional(),
});

const common = { scenario: text, durationMs: z.number().nonnegative() };
const recording = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...common,
    outcome: z.literal('ran'),
    infra: z.array(z.strictObject({ gfn, npages: gfn })).max(1000),
    steps: z.array(stepRecord).max(100_000),
  }),
  z.strictObject({ ...common, outcome: z.literal('skip'), missing }),
  z.strictObject({
    ...common,
    outcome: z.literal('error'),
    code: text,
    message: text,
    step: z.number().int().optional(),
    timedOut: z.boolean().optional(),
  }),
]);

const environment = z.strictObject({
  release: text,
  cpuModel: text,
  vendor: z.enum(['intel', 'amd', 'other']),
  paging: z.enum(['ept', 'npt', 'shadow']),
  quirks: z.number().int().nonnegative(),
  virtioType: z.number().int().nonnegative(),
  memslotFlag: z.number().int().nonnegative(),
  noncoherent: text.nullable(),
  params: z.record(z.string(), text),
  missing: z.record(z.string(), missing),
});

const zapCall = z.strictObject({ start: u64, end: u64, ns: z.number().nonnegative() });
const zaps = z.strictObject({
  vcpus: z.number().int().min(1).max(8),
  mib: z.number().int().min(1),
  calls: z.array(z.array(zapCall).max(10_000)).max(8),
});

const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('environment'), environment }),
  z.strictObject({ type: z.literal('started'), scenario: text }),
  z.strictObject({ type: z.literal('recording'), recording }),
  z.strictObject({ type: z.literal('zaps'), measurement: zaps }),
  z.strictObject({ type: z.literal('end'), count: z.number().int().nonnegative() }),
  z.strictObject({ type: z.literal('failed'), code: text, message: text }),
]);

/** A line from an agent is not a message; what was read is part of the text. */
export class WireError extends Error {
  readonly code = 'WIRE';
}

/**
 * Read one line from an agent. Trust nothing in it: it comes out of a kernel under test.
 * @throws WireError
 */
export function decodeMessage(line: string): AgentMessage {
  let json: unknown;
  try {
    json = decodeJson(line);
  } catch {
    throw new WireError(`not JSON: ${line.slice(0, 120)}`);
  }
  const parsed = message.safeParse(json);
  if (!parsed.success) throw new WireError(`not a message: ${z.prettifyError(parsed.error).slice(0, 300)}`);
  return parsed.data as AgentMessage;
}
