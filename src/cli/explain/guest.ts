import {
  type BackingName,
  findPolicy,
  isBefore416,
  linuxSeries,
  type Memory,
  NEWEST_POLICY,
  type Policy,
  policyAssumption,
  type Situation,
  type Slot,
  SlotMap,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { mustBePossible, mustBeTaken } from './refused.js';
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

const GIB4_FRAMES = 2 ** 20;
const RAM: readonly BackingName[] = ['ram', 'hugetlb', 'guest-memfd'];

/** Where RAM that begins at 0 ends: RAM behind a device lies apart. */
function lowRamEnd(slots: readonly Slot[]): number {
  const ram = slots.filter(({ backing }) => RAM.includes(backing.kind)).sort((a, b) => a.start - b.start);
  const end = ram.reduce((at, slot) => (slot.start <= at ? Math.max(at, slot.end) : at), 0);
  return Math.min(GIB4_FRAMES, end);
}

/** The guest's Linux. */
function linuxOf(version: string, { slots, mapping, vmType }: GuestFacts): Memory['linux'] {
  const series = linuxSeries(version);
  if (vmType !== undefined && slots === undefined)
    throw new UsageError(
      '--linux and --vm-type: Linux asks where RAM below 4 GiB ends, so RAM must be told by --slot',
    );
  if (vmType !== undefined && series.patNeedsMtrrs)
    throw new UsageError(
      `what Linux ${series.series} does as such a guest is not known here: 6.12 and later are`,
    );
  return { series, mapping, lowRamEnd: lowRamEnd(slots ?? []) };
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
  for (const group of groups) mustBePossible(policy, group.situation);
  mustBeTaken(policy, { ...situation, slotFlag });
  return {
    policy,
    assumed: policyAssumption(name),
    groups,
    situation,
    memory: {
      slots: slots === undefined ? undefined : new SlotMap(slots),
      host: { nopat: hostNopat, before416: isBefore416(name) },
      linux: linux === undefined ? undefined : linuxOf(linux, facts),
    },
  };
}
