import {
  findPolicy,
  isBefore416,
  linuxSeries,
  type Memory,
  NEWEST_POLICY,
  type Policy,
  policyAssumption,
  type Situation,
  SlotMap,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { mustBeTaken } from './refused.js';
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
  const { policy: name = NEWEST_POLICY.name, slots, hostNopat = false, linux, mapping } = facts;
  const policy = findPolicy(name);
  if (mapping !== undefined && linux === undefined)
    throw new UsageError('--mapping is how Linux maps the page: it needs --linux <version>');
  const groups = vcpuGroups(facts);
  const { situation } = groupOf(groups, vcpu);
  const slotFlag = situation.slotFlag || (slots ?? []).some(({ flagged }) => flagged);
  mustBeTaken(policy, { ...situation, slotFlag });
  return {
    policy,
    assumed: policyAssumption(name),
    groups,
    situation,
    memory: {
      slots: slots === undefined ? undefined : new SlotMap(slots),
      host: { nopat: hostNopat, before416: isBefore416(name) },
      linux: linux === undefined ? undefined : { series: linuxSeries(linux), mapping },
    },
  };
}
