import type * as z from 'zod/mini';
import type { Scenario } from '../scenario/types.js';
import { specFault } from './spec-check.js';
import type { specSchema } from './spec-schema.js';
import { decodeJson, encodeJson } from './wire.js';
import type { ZapCase } from './zaps.js';

/** What an agent is asked to do. */
export interface AgentSpec {
  /** Scenarios to run, in order; one that is repeated is here several times. */
  scenarios: readonly Scenario[];
  /** PCI function to use for non-coherent DMA and as a BAR; `lab` takes the lab's own, null none. */
  device: string | null;
  /** Names of module parameters whose values are wanted, as `module.name`, besides those that always are. */
  params?: readonly string[];
  /** Device type of KVM_DEV_TYPE_VIRTIO, where it is to be no other. */
  virtioType?: number;
  /** KVM_MEM_NON_COHERENT_DMA, where it is to be no other. */
  memslotFlag?: number;
  /** Boots whose zaps are to be counted after the scenarios. */
  zaps?: readonly ZapCase[];
  /** Send the kernel's counters of what ran of KVM, after the scenarios. */
  counters?: boolean;
  /** Where the emulator tells how its processor walked the guest's tables, to be told after each access: a device, and bytes from its start. */
  witness?: { device: string; offset: number };
  /**
   * Where it finds its next job, once it has done this one and printed `waits`: on a device from its start, and at `offset`, as two
   * 32-bit words, the number of that job, from 1, and how many bytes it has.
   */
  next?: { device: string; offset: number; waits: string };
}

/** What an agent was given to do is not what it can read; the message says where. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  readonly code = 'SPEC';
}

/** A spec as a line of JSON, to be handed to an agent. */
export function encodeSpec(spec: AgentSpec): string {
  const scenarios = [...new Set(spec.scenarios)];
  return encodeJson({ ...spec, scenarios, order: spec.scenarios.map((s) => scenarios.indexOf(s)) });
}

const refusal = (why: string): SpecError => new SpecError(`the agent cannot read what it is to do: ${why}`);

function readJson(json: string): unknown {
  try {
    return decodeJson(json);
  } catch {
    throw refusal(`it is not JSON: ${json.slice(0, 120)}`);
  }
}

/**
 * Read what encodeSpec() made. A spec that is wrong anywhere is refused whole.
 * @throws SpecError
 */
export function decodeSpec(json: string): AgentSpec {
  const spec = readJson(json);
  const fault = specFault(spec);
  if (fault !== undefined) throw refusal(fault);
  const { scenarios, order, ...rest } = spec as z.infer<typeof specSchema>;
  const inOrder = order.map((index, i) => {
    const scenario = scenarios[index];
    if (scenario === undefined) throw refusal(`order[${i}]: there is no scenario ${index}`);
    return scenario;
  });
  return { ...rest, scenarios: inOrder };
}
