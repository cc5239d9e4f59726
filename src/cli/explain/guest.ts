import {
  findPolicy,
  isBefore,
  type Memory,
  NEWEST_POLICY,
  type Policy,
  policyAssumption,
  type Situation,
  SlotMap,
} from '../../memtype/index.js';
import { linuxOf } from './linux.js';
import { mustFit } from './refusals/misfits.js';
import { mustBePossible, mustBeTaken } from './refusals/refused.js';
import type { GuestFacts } from './state.js';
import { groupOf, type VcpuGroup, vcpuGroups } from './vcpus.js';

/** A guest under a policy. */
export interface Guest {
  readonly policy: Policy;
  readonly assumed: string | undefined;
  readonly groups: readonly VcpuGroup[];
  /** The vCPU in question. */
  readonly situation: Situation;
  readonly memory: Memory;
}

/** Put a guest together out of what is told of it. */
export function guestOf(facts: GuestFacts, vcpu: number): Guest {
  const { policy: name = NEWEST_POLICY.name, slots, hostNopat = false, linux } = facts;
  const policy = findPolicy(name);
  mustFit(facts, name);
  const groups = vcpuGroups(facts);
  const { situation } = groupOf(groups, vcpu);
  const slotFlag = situation.slotFlag || (slots ?? []).some(({ flagged }) => flagged);
  for (const group of groups) mustBePossible(policy, group.situation);
  mustBeTaken(policy, { ...situation, slotFlag });
  return {
    policy,
    assumed: policyAssumption(name),
    groups,
    situation,
    memory: {
      slots: slots === undefined ? undefined : new SlotMap(slots),
      host: { nopat: hostNopat, before416: isBefore(name, [4, 16]) },
      linux: linux === undefined ? undefined : linuxOf(linux, facts),
    },
  };
}
