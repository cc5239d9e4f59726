import { CR0_CD, CR0_LONG_MODE } from '../arch/cr0.js';
import {
  KVM_MEM_LOG_DIRTY_PAGES,
  KVM_MEM_READONLY,
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
} from '../arch/kvm-flags.js';
import { KVM_MEM_NON_COHERENT_DMA, RAM_SLOT } from '../arch/memslots.js';
import { gfnOf, PAGE_SIZE } from '../arch/units.js';
import type { ModelEvent } from '../memtype/index.js';
import {
  GUEST_MAXPHYADDR,
  type MemslotFlag,
  type MemslotStep,
  type QuirkName,
  RAM_SIZE,
  type Scenario,
  type Step,
  type VirtioStep,
} from './types.js';

/** KVM_X86_QUIRK_* bits. */
export const QUIRK_BITS: Record<QuirkName, number> = {
  'cd-nw-cleared': KVM_X86_QUIRK_CD_NW_CLEARED,
  'ignore-guest-pat': KVM_X86_QUIRK_IGNORE_GUEST_PAT,
};

/** KVM_MEM_ flags, as the model knows them. */
const MEMSLOT_FLAGS: Record<MemslotFlag, number> = {
  'log-dirty-pages': KVM_MEM_LOG_DIRTY_PAGES,
  readonly: KVM_MEM_READONLY,
  'non-coherent-dma': KVM_MEM_NON_COHERENT_DMA,
};

/** The KVM_MEM_ flags of a step as one number; `proposed` is the kernel's KVM_MEM_NON_COHERENT_DMA. */
export function memslotFlags(step: MemslotStep, proposed = MEMSLOT_FLAGS['non-coherent-dma']): number {
  const bits = (flag: MemslotFlag): number => (flag === 'non-coherent-dma' ? proposed : MEMSLOT_FLAGS[flag]);
  return (step.flags ?? []).reduce((sum, flag) => sum | bits(flag), 0);
}

/** CR0 of a running guest with CD as given. */
export const cr0With = (cd: boolean): bigint => CR0_LONG_MODE | (cd ? CR0_CD : 0n);

/** What the model must know of a VM before its first step. */
export function startEvents(scenario: Scenario): ModelEvent[] {
  const events: ModelEvent[] = [
    { kind: 'memslot', slot: RAM_SLOT, gfn: 0, npages: RAM_SIZE / PAGE_SIZE, backing: 'ram', flags: 0 },
  ];
  for (let vcpu = 0; vcpu < scenario.vcpus; vcpu++) {
    events.push({ kind: 'cpuid', vcpu, maxphyaddr: GUEST_MAXPHYADDR, mtrr: scenario.guestMtrr });
    events.push({ kind: 'cr0', vcpu, value: cr0With(scenario.startCd), by: 'host' });
  }
  return events;
}

/** A device counts from its attribute's first being set to its closing. */
function virtioEvent(step: VirtioStep, scenario: Scenario): ModelEvent | undefined {
  let isSet = false;
  for (const earlier of scenario.steps.slice(0, scenario.steps.indexOf(step))) {
    if (earlier.do !== 'virtio' || earlier.device !== step.device || earlier.result !== 'ok') continue;
    if (earlier.op === 'set-attr') isSet = true;
    if (earlier.op === 'close') isSet = false;
  }
  if (step.op === 'set-attr' && !isSet && step.result === 'ok')
    return { kind: 'noncoherent', delta: 1, via: 'virtio' };
  return step.op === 'close' && isSet ? { kind: 'noncoherent', delta: -1, via: 'virtio' } : undefined;
}

/** The step as the model sees it; `undefined` for a step that only looks. */
export function stepEvent(step: Step, scenario: Scenario): ModelEvent | undefined {
  switch (step.do) {
    case 'wrmsr':
      return { kind: 'wrmsr', vcpu: step.vcpu, msr: step.msr, value: step.value, by: step.by };
    case 'rdmsr':
      return undefined;
    case 'access':
      return { kind: 'access', vcpu: step.vcpu, gfn: gfnOf(step.gpa), access: step.access };
    case 'cd':
      return { kind: 'cr0', vcpu: step.vcpu, value: cr0With(step.on), by: step.by };
    case 'noncoherent':
      return {
        kind: 'noncoherent',
        delta: step.on ? 1 : -1,
        ...(step.via === 'virtio-device' ? { via: 'virtio' } : {}),
      };
    case 'virtio':
      return virtioEvent(step, scenario);
    case 'disable-quirk':
      return { kind: 'disable-quirks', mask: QUIRK_BITS[step.quirk] };
    case 'memslot': {
      const backing = step.backing === 'pci-bar' ? 'mmio' : 'ram';
      return {
        kind: 'memslot',
        slot: step.slot,
        gfn: gfnOf(step.gpa),
        npages: step.pages,
        backing,
        flags: memslotFlags(step),
        ...(step.backing === 'huge-ram' ? { hostLevel: 2 as const } : {}),
      };
    }
    case 'delete-memslot': {
      const made = scenario.steps.find((s) => s.do === 'memslot' && s.slot === step.slot);
      const gfn = made?.do === 'memslot' ? gfnOf(made.gpa) : 0;
      return { kind: 'memslot', slot: step.slot, gfn, npages: 0, backing: 'ram', flags: 0 };
    }
    case 'discard':
      return { kind: 'discard', gfn: gfnOf(step.gpa), npages: step.pages };
  }
}

/** Whether the step is a guest MSR write that the VMM keeps to itself, so that KVM never hears of it. */
export const isDropped = (step: Step, scenario: Scenario): boolean =>
  step.do === 'wrmsr' && step.by === 'guest' && scenario.msrMode === 'filter-drop';
