import type { HostMemory, Vcpu } from '../../src/kvm/index.js';

const CODE = 0x1000;

/**
 * The guest's code, as a bit of the first byte of a dirty log. It is only read, but what is mapped writable counts as dirty, and KVM maps
 * writable what the host can write, whatever the access (make_spte() of arch/x86/kvm/mmu/spte.c, hva_to_pfn() of virt/kvm/kvm_main.c).
 */
export const CODE_PAGE = 1 << (CODE >> 12);

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
