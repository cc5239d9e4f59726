// The words of scenarios as KVM's bits, for those who take the steps and for those who model them.

import { CR0_CD, CR0_LONG_MODE, CR0_NW } from '../arch/cr0.js';
import {
  KVM_MEM_LOG_DIRTY_PAGES,
  KVM_MEM_READONLY,
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  KVM_X86_QUIRK_SLOT_ZAP_ALL,
} from '../arch/kvm-flags.js';
import { KVM_MEM_NON_COHERENT_DMA } from '../arch/memslots.js';
import { FIXED_MSRS, MSR, VARIABLE_COUNT } from '../arch/msrs.js';
import type { MemslotFlag, MemslotStep, QuirkName, RestoreStep } from './types.js';

/** KVM_X86_QUIRK_* bits. */
const QUIRK_BITS: Record<QuirkName, number> = {
  'cd-nw-cleared': KVM_X86_QUIRK_CD_NW_CLEARED,
  'ignore-guest-pat': KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  'slot-zap-all': KVM_X86_QUIRK_SLOT_ZAP_ALL,
};

/** The quirks that a step disables, as bits. */
export const quirkMask = (quirk: QuirkName | number): number =>
  typeof quirk === 'number' ? quirk : QUIRK_BITS[quirk];

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

/** CR0 of a running guest with CD, and NW, as given. */
export const cr0With = (cd: boolean, nw = false): bigint =>
  CR0_LONG_MODE | (cd ? CR0_CD : 0n) | (nw ? CR0_NW : 0n);

/** Every MTRR that can be written, as a VMM has to restore them: all ranges, then what turns them on. */
export const MTRR_STATE: readonly number[] = [
  ...Array.from({ length: 2 * VARIABLE_COUNT }, (_, i) => MSR.PHYSBASE0 + i),
  ...FIXED_MSRS,
  MSR.DEF_TYPE,
];

/** The MSRs of memory types that a step saves and restores, in order: the PAT is in KVM's list. */
export const savedMsrs = ({ mtrrs }: RestoreStep): readonly number[] => [
  MSR.PAT,
  ...(mtrrs ? MTRR_STATE : []),
];
