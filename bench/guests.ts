import type { HostMemory, Vcpu } from '../src/kvm/index.js';

// The guests of the benchmarks, in real mode at 0x1000; bench/kvm.c has the same bytes.

export const RAM_SIZE = 0x10000;
export const PORT = 0x10;
/** An MSR that KVM does not know, so that writes to it exit with KVM_MSR_EXIT_REASON_UNKNOWN. */
export const MSR = 0x12345;

const CODE = 0x1000;

/** again: out 0x10, al; jmp again */
export const PIO_LOOP = [0xe6, PORT, 0xeb, 0xfc];
/** mov ecx, MSR; again: wrmsr; jmp again */
export const WRMSR_LOOP = [0x66, 0xb9, 0x45, 0x23, 0x01, 0x00, 0x0f, 0x30, 0xeb, 0xfc];
/** jmp $ */
export const SPIN = [0xeb, 0xfe];

export function load(ram: HostMemory, code: readonly number[]): void {
  new Uint8Array(ram.buffer).set(code, CODE);
}

/** Point a fresh vCPU at the code. */
export function start(vcpu: Vcpu): void {
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rflags: 2n });
}
