import type { Situation } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { mergeMtrrs } from './args.js';
import { type GuestFacts, situationOf, type VcpuFacts } from './state.js';

/** vCPUs whose registers are alike. */
export interface VcpuGroup {
  readonly ids: readonly number[];
  readonly situation: Situation;
}

/** `vCPU 0`, `vCPUs 1-3, 5`. */
export function groupName(ids: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    if (run?.[1] === id - 1) run[1] = id;
    else runs.push([id, id]);
  }
  const text = runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
  return `vCPU${ids.length === 1 ? '' : 's'} ${text}`;
}

/** The facts of one vCPU: its own count more than those of all. */
function factsOfVcpu(facts: GuestFacts, own: VcpuFacts): GuestFacts {
  return {
    ...facts,
    ...own,
    mtrr: mergeMtrrs(facts.mtrr, own.mtrr ?? {}),
    msrs: [...(facts.msrs ?? []), ...(own.msrs ?? [])],
  };
}

/** The registers of each vCPU, those without any of their own once. */
export function vcpuFacts(facts: GuestFacts): VcpuFacts[] {
  const { vcpus = new Map<number, VcpuFacts>() } = facts;
  const count = facts.vcpuCount ?? Math.max(0, ...vcpus.keys()) + 1;
  const own = [...vcpus.values()].map((one) => factsOfVcpu(facts, one));
  return vcpus.size < count ? [facts, ...own] : own;
}

const keyOf = ({ mtrr, pat, patEntry, cd }: Situation): string =>
  [
    mtrr.deftype,
    ...mtrr.fixed,
    ...mtrr.variable.flatMap(({ base, mask }) => [base, mask]),
    pat,
    patEntry,
    cd,
  ].join();

/**
 * The vCPUs of a guest in groups of equal registers; vCPU 0 is in the first.
 *
 * @throws MtrrConfigError or UsageError as `situationOf()`; UsageError for a vCPU that there is not
 */
export function vcpuGroups(facts: GuestFacts): VcpuGroup[] {
  const { vcpus = new Map<number, VcpuFacts>() } = facts;
  const highest = Math.max(0, ...vcpus.keys());
  const count = facts.vcpuCount ?? highest + 1;
  if (highest >= count) throw new UsageError(`vCPU ${highest} has registers, but there are ${count} vCPUs`);
  const common = situationOf(facts);
  return groupsOf(count, (id) => {
    const own = vcpus.get(id);
    return own === undefined ? common : situationOf(factsOfVcpu(facts, own));
  });
}

/** vCPUs in groups of equal registers; vCPU 0 is in the first. */
export function groupsOf(count: number, situationOfVcpu: (id: number) => Situation): VcpuGroup[] {
  const groups = new Map<string, { ids: number[]; situation: Situation }>();
  for (let id = 0; id < count; id++) {
    const situation = situationOfVcpu(id);
    const key = keyOf(situation);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ids: [id], situation });
    else group.ids.push(id);
  }
  const [first] = groups.values();
  const bootMtrr = (first as VcpuGroup).situation.mtrr;
  return [...groups.values()].map(({ ids, situation }) => {
    const [id = 0] = ids;
    return { ids, situation: id === 0 ? situation : { ...situation, vcpu: id, bootMtrr } };
  });
}

/** The group of one vCPU. */
export function groupOf(groups: readonly VcpuGroup[], vcpu: number): VcpuGroup {
  const group = groups.find(({ ids }) => ids.includes(vcpu));
  if (group === undefined) throw new UsageError(`there is no vCPU ${vcpu}: name more of them with --vcpus`);
  return group;
}
