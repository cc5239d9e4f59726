/** The MSRs of memory types (SDM, "IA-32 Architectural MSRs"): MTRRs and PAT. */
export const MSR = {
  MTRRCAP: 0xfe,
  PHYSBASE0: 0x200,
  PHYSMASK0: 0x201,
  FIX64K_00000: 0x250,
  FIX16K_80000: 0x258,
  FIX16K_A0000: 0x259,
  FIX4K_C0000: 0x268,
  FIX4K_C8000: 0x269,
  FIX4K_D0000: 0x26a,
  FIX4K_D8000: 0x26b,
  FIX4K_E0000: 0x26c,
  FIX4K_E8000: 0x26d,
  FIX4K_F0000: 0x26e,
  FIX4K_F8000: 0x26f,
  PAT: 0x277,
  DEF_TYPE: 0x2ff,
} as const;

/** Pairs of PHYSBASE and PHYSMASK that KVM gives a guest (KVM_NR_VAR_MTRR). */
export const VARIABLE_COUNT = 8;

/** The eleven fixed-range MSRs, in the order of the addresses that they cover. */
export const FIXED_MSRS: readonly number[] = Object.entries(MSR)
  .filter(([name]) => name.startsWith('FIX'))
  .map(([, msr]) => msr);

/** The PAT after reset: WB WT UC- UC, twice (SDM, "Memory Type Setting of PAT Entries Following a Power-up or Reset"). */
export const PAT_RESET = 0x0007_0406_0007_0406n;

/** IA32_MTRR_DEF_TYPE: the MTRRs are on. */
export const DEF_TYPE_E = 1n << 11n;
/** IA32_MTRR_DEF_TYPE: the fixed ranges are on. */
export const DEF_TYPE_FE = 1n << 10n;
/** IA32_MTRR_PHYSMASKn: the range is on. */
export const PHYSMASK_VALID = 1n << 11n;

/** IA32_MTRR_DEF_TYPE with the encoding of a type; on, without fixed ranges, unless told. */
export function defType(type: number, o: { e?: boolean; fe?: boolean } = {}): bigint {
  return BigInt(type) | (o.fe ? DEF_TYPE_FE : 0n) | ((o.e ?? true) ? DEF_TYPE_E : 0n);
}

/** The address bits of IA32_MTRR_PHYSMASKn for a power-of-two size in bytes. */
export function addressMask(size: bigint, maxphyaddr: number): bigint {
  return ((1n << BigInt(maxphyaddr)) - 1n) & ~(size - 1n);
}

function pairName(msr: number): string | undefined {
  const at = msr - MSR.PHYSBASE0;
  if (at < 0 || at >= 2 * VARIABLE_COUNT) return undefined;
  return `PHYS${at % 2 === 0 ? 'BASE' : 'MASK'}${at >> 1}`;
}

/** The SDM's name of an MTRR or the PAT, without `IA32_`; undefined for any other MSR. */
export function msrName(msr: number): string | undefined {
  if (msr === MSR.PAT) return 'PAT';
  if (msr === MSR.MTRRCAP) return 'MTRRCAP';
  const name = pairName(msr) ?? Object.entries(MSR).find(([, number]) => number === msr)?.[0];
  return name === undefined ? undefined : `MTRR_${name}`;
}

/** The number of each MTRR and the PAT, by the name that msrName() gives it. */
export const MSR_BY_NAME: ReadonlyMap<string, number> = new Map(
  Array.from({ length: MSR.DEF_TYPE + 1 }, (_, msr) => [msrName(msr), msr] as const).filter(
    (entry): entry is [string, number] => entry[0] !== undefined,
  ),
);
