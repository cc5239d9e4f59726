import type { HostMemory, Vcpu } from '../../src/kvm/index.js';

const CODE = 0x1000;

/** Put instructions at 0x1000 and the vCPU there, in real mode with every segment at 0. */
export function realMode(vcpu: Vcpu, ram: HostMemory, instructions: readonly (readonly number[])[]): void {
  new Uint8Array(ram.buffer).set(instructions.flat(), CODE);
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rflags: 2n });
}
