import { CR0_CD, CR0_NW } from '../../arch/cr0.js';
import { KVM_CAP_SPLIT_IRQCHIP, KVM_MP_STATE_RUNNABLE, type Vcpu, type Vm } from '../../kvm/index.js';
import type { Scenario } from '../../scenario/types.js';

/** KVM_VCPUEVENT_VALID_SMM: the fields about SMM count, a latched INIT among them. */
const VALID_SMM = 8;
/** Pins of I/O APICs that the VMM has, none of them used. */
const PINS = 24n;
const KEPT = CR0_CD | CR0_NW;

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

/**
 * Have a vCPU take an INIT, and put it back to where its guest was, but for CR0.CD and NW, which stay as the INIT left them.
 * @returns CR0 as the INIT left it
 */
export function takeInit(vcpu: Vcpu): bigint {
  const [sregs, regs, events] = [vcpu.getSregs(), vcpu.getRegs(), vcpu.getVcpuEvents()];
  vcpu.setVcpuEvents({ ...events, flags: VALID_SMM, smi: { ...events.smi, latchedInit: 1 } });
  // Pending INITs are taken before the state is told (kvm_arch_vcpu_ioctl_get_mpstate()).
  vcpu.getMpState();
  const { cr0 } = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cr0: (sregs.cr0 & ~KEPT) | (cr0 & KEPT) });
  vcpu.setRegs(regs);
  vcpu.setMpState(KVM_MP_STATE_RUNNABLE);
  return cr0;
}
