// CPUID as the SDM has it, as far as memory types rest on it.

/** Leaf 1, EDX: MTRRs, the PAT, and that the processor snoops its own caches. */
export const CPUID_MTRR = 1 << 12;
export const CPUID_PAT = 1 << 16;
export const CPUID_SELF_SNOOP = 1 << 27;
/** All of these. */
export const CPUID_CACHES = CPUID_MTRR | CPUID_PAT | CPUID_SELF_SNOOP;
/** Leaf 0x80000008, EAX: MAXPHYADDR in bits 7:0, and in bits 23:16 how many address bits a guest's memory can have (GuestPhysAddrSize). */
export const CPUID_ADDRESS_SIZES = 0xff_00ff;
