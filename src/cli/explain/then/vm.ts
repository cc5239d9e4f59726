import { CR0_CD, CR0_LONG_MODE } from '../../../arch/cr0.js';
import { KVM_MEM_READONLY } from '../../../arch/kvm-flags.js';
import { KVM_MEM_NON_COHERENT_DMA } from '../../../arch/memslots.js';
import { MSR_BY_NAME } from '../../../arch/msrs.js';
import {
  classifyMsr,
  hostMmioOf,
  type MtrrMsr,
  type Situation,
  type Slot,
  VmModel,
} from '../../../memtype/index.js';
import type { Guest } from '../guest.js';
import { groupOf } from '../vcpus.js';

/** CR0 of a guest whose caches are on, or off. */
export const cr0Of = (cd: boolean): bigint => (cd ? CR0_LONG_MODE | CR0_CD : CR0_LONG_MODE);

/** The memslots; where none is told, one over all that the guest can address. */
export function slotsOf({ memory, situation }: Guest): readonly Slot[] {
  if (memory.slots !== undefined) return memory.slots.slots;
  const end = 2 ** (situation.maxphyaddr - 12);
  const backing = { kind: situation.mmio ? 'pci-bar' : 'ram' } as const;
  return [{ name: 'memory', start: 0, end, backing, readOnly: false, flagged: situation.slotFlag }];
}

/** How many vCPUs a guest has. */
export const countOf = ({ groups }: Guest): number => groups.reduce((sum, { ids }) => sum + ids.length, 0);

function bringUp(model: VmModel, vcpu: number, { mtrr, pat, cd }: Situation): void {
  for (const msr of MSR_BY_NAME.values()) {
    const known = classifyMsr(msr) as MtrrMsr;
    if (known.kind === 'cap') continue;
    const value = known.kind === 'pat' ? pat : mtrr.read(known);
    // A mask that was never written is not one that was written with 0 (D5).
    if (known.kind !== 'pat' && value === 0n) continue;
    model.apply({ kind: 'wrmsr', vcpu, msr, value, by: 'host' });
  }
  model.apply({ kind: 'cr0', vcpu, value: cr0Of(cd), by: 'host' });
}

/** The VM of a guest, as its VMM made it: nothing is mapped yet. */
export function vmOf(guest: Guest): VmModel {
  const { policy, situation, groups, memory } = guest;
  const { maxphyaddr, mtrrCpuid: mtrr, selfSnoop, noncoherent, disabledQuirks, vmType } = situation;
  const model = new VmModel(policy, { vcpus: countOf(guest), maxphyaddr, mtrr, selfSnoop, vmType });
  for (const { ids, situation: own } of groups) for (const id of ids) bringUp(model, id, own);
  slotsOf(guest).forEach(({ start, end, backing, readOnly, flagged }, slot) => {
    const flags = (readOnly ? KVM_MEM_READONLY : 0) | (flagged ? KVM_MEM_NON_COHERENT_DMA : 0);
    const { mmio } = hostMmioOf(backing, memory.host);
    model.apply({
      kind: 'memslot',
      slot,
      gfn: start,
      npages: end - start,
      backing: mmio ? 'mmio' : 'ram',
      flags,
    });
  });
  if (noncoherent) model.apply({ kind: 'noncoherent', delta: 1 });
  model.apply({ kind: 'disable-quirks', mask: disabledQuirks, cap: 'quirks' });
  return model;
}

/** The situation of a vCPU as the VM has it now. */
export function situationIn(model: VmModel, guest: Guest, vcpu: number): Situation {
  const { mtrr, pat, cd } = model.state.vcpu(vcpu);
  // What the policy disables by itself is its own: other policies are asked too.
  const { noncoherent, askedQuirks: disabledQuirks } = model.state;
  const before = groupOf(guest.groups, vcpu).situation;
  return { ...before, mtrr, pat, cd, noncoherent: noncoherent > 0, disabledQuirks };
}
