import type { HostMemory, Vcpu } from '../../src/kvm/index.js';

const CODE = 0x1000;

/**
 * Put instructions at 0x1000, unless there are none, and the vCPU there, in real mode with every segment at 0
 * except a data segment that starts elsewhere if `ds` says so.
 */
export function realMode(
  vcpu: Vcpu,
  ram: HostMemory,
  instructions: readonly (readonly number[])[],
  o: { ds?: number } = {},
): void {
  if (instructions.length > 0) new Uint8Array(ram.buffer).set(instructions.flat(), CODE);
  const sregs = vcpu.getSregs();
  const ds = o.ds ?? 0;
  vcpu.setSregs({
    ...sregs,
    cs: { ...sregs.cs, base: 0n, selector: 0 },
    ds: { ...sregs.ds, base: BigInt(ds), selector: ds >> 4 },
  });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rflags: 2n });
}
