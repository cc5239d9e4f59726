import { CR0_CACHE } from '../../arch/cr0.js';
import {
  KVM_CAP_SPLIT_IRQCHIP,
  KVM_MP_STATE_RUNNABLE,
  KVM_MP_STATE_SIPI_RECEIVED,
  type Vcpu,
  type Vm,
} from '../../kvm/index.js';
import type { StepRecord } from '../../recording/recording.js';
import type { Scenario } from '../../scenario/types.js';

/** KVM_VCPUEVENT_VALID_SIPI_VECTOR. */
const VALID_SIPI_VECTOR = 2;
/** KVM_VCPUEVENT_VALID_SMM: the fields about SMM count, a latched INIT among them. */
const VALID_SMM = 8;
/** Pins of I/O APICs that the VMM has, none of them used. */
const PINS = 24n;

/** Whether the vCPUs must have a local APIC in the kernel: it is what takes an INIT. */
export const needsApic = ({ steps }: Pick<Scenario, 'steps'>): boolean =>
  steps.some((step) => step.do === 'init');

/** Give the VM's vCPUs local APICs, before there are any. */
export function addApics(vm: Vm): void {
  vm.enableCap(KVM_CAP_SPLIT_IRQCHIP, [PINS]);
}

/** Let vCPUs run that would wait for a SIPI: with an APIC all but the first do. */
export function wake(vcpus: readonly Vcpu[]): void {
  for (const vcpu of vcpus) vcpu.setMpState(KVM_MP_STATE_RUNNABLE);
}

/** Pending INITs and SIPIs are taken before the state is told (kvm_arch_vcpu_ioctl_get_mpstate()). */
const takePending = (vcpu: Vcpu): void => void vcpu.getMpState();

function takeSipi(vcpu: Vcpu, vector: number): void {
  vcpu.setVcpuEvents({ ...vcpu.getVcpuEvents(), flags: VALID_SIPI_VECTOR, sipiVector: vector });
  vcpu.setMpState(KVM_MP_STATE_SIPI_RECEIVED);
  takePending(vcpu);
}

/** By the VMM: an INIT, and a SIPI if there is a vector. */
export const initByHost =
  (sipi: number | undefined) =>
  (vcpu: Vcpu): void => {
    const events = vcpu.getVcpuEvents();
    vcpu.setVcpuEvents({ ...events, flags: VALID_SMM, smi: { ...events.smi, latchedInit: 1 } });
    takePending(vcpu);
    if (sipi !== undefined) takeSipi(vcpu, sipi);
  };

const APIC_BASE = 0x1b;
/** IA32_APIC_BASE: the APIC is on, and an x2APIC. */
const X2APIC = 0xc00n;
/** The MSR by which a guest sends an interrupt from its x2APIC; so no page need be mapped for the APIC. */
export const X2APIC_ICR = 0x830;

/** Let the guest reach its local APIC by MSRs. */
export function useX2apic(vcpu: Vcpu): void {
  const [base] = vcpu.getMsrs([APIC_BASE]);
  vcpu.setMsrs([{ index: APIC_BASE, value: (base ?? 0n) | X2APIC }]);
}

/**
 * By another vCPU's APIC: an INIT and a SIPI (SDM, "Interrupt Command Register (ICR)").
 * @param send has that vCPU's guest write its ICR
 */
export const initByApic =
  (id: number, sipi: number, send: (icr: bigint) => void) =>
  (vcpu: Vcpu): void => {
    for (const command of [0x4500n, 0x4600n | BigInt(sipi)]) {
      send((BigInt(id) << 32n) | command);
      takePending(vcpu);
    }
  };

/**
 * Have a vCPU take an INIT, and a SIPI perhaps, and put it back to where its guest was, but for CR0.CD and NW, which stay as
 * they were left.
 * @returns CR0, and the address of the first instruction, as they were left
 */
export function takeInit(vcpu: Vcpu, init: (vcpu: Vcpu) => void): Pick<StepRecord, 'value' | 'start'> {
  const [sregs, regs] = [vcpu.getSregs(), vcpu.getRegs()];
  init(vcpu);
  const { cr0, cs } = vcpu.getSregs();
  const start = cs.base + vcpu.getRegs().rip;
  vcpu.setSregs({ ...sregs, cr0: (sregs.cr0 & ~CR0_CACHE) | (cr0 & CR0_CACHE) });
  vcpu.setRegs(regs);
  vcpu.setMpState(KVM_MP_STATE_RUNNABLE);
  return { value: cr0, start };
}
