import * as z from 'zod/mini';
import { scenarioSchema } from '../scenario/schema.js';

const whole = z.int().check(z.minimum(0));

/** An agent's spec as it travels. scripts/agent.mjs compiles it for the agent, which has no zod. */
export const specSchema = z.strictObject({
  /** Each scenario once, whole. */
  scenarios: z.array(scenarioSchema),
  /** Indexes into `scenarios`, in the order to run. */
  order: z.array(whole),
  device: z.nullable(z.string()),
  params: z.exactOptional(z.array(z.string())),
  virtioType: z.exactOptional(whole),
  memslotFlag: z.exactOptional(whole),
  zaps: z.exactOptional(z.array(z.strictObject({ vcpus: whole, mib: whole }))),
  counters: z.exactOptional(z.boolean()),
  witness: z.exactOptional(z.strictObject({ device: z.string(), offset: whole })),
  next: z.exactOptional(z.strictObject({ device: z.string(), offset: whole, waits: z.string() })),
});
