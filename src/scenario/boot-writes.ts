import { MT, typeBytes } from '../arch/memory-types.js';
import { defType, FIXED_MSRS, MSR, VARIABLE_COUNT } from '../arch/msrs.js';
import { mib, physMask } from './builder.js';

/** One MTRR write of a boot. */
export type BootWrite = readonly [msr: number, value: bigint];

const FIX4K = FIXED_MSRS.filter((msr) => msr >= MSR.FIX4K_C0000);

/** The PCI hole below 4 GiB, uncached. */
const HOLE: readonly BootWrite[] = [
  [MSR.PHYSBASE0, mib(3584) | BigInt(MT.UC)],
  [MSR.PHYSMASK0, physMask(mib(512))],
];

/** What firmware does on each processor, as SeaBIOS' mtrr_setup() does: off, fixed ranges, variable ranges, on. */
const FIRMWARE: readonly BootWrite[] = [
  [MSR.DEF_TYPE, 0n],
  [MSR.FIX64K_00000, typeBytes(MT.WB)],
  [MSR.FIX16K_80000, typeBytes(MT.WB)],
  [MSR.FIX16K_A0000, typeBytes(MT.UC)],
  ...FIX4K.map((msr): BootWrite => [msr, typeBytes(MT.WP)]),
  ...Array.from({ length: 2 * VARIABLE_COUNT }, (_, i): BootWrite => [MSR.PHYSBASE0 + i, 0n]),
  ...HOLE,
  [MSR.DEF_TYPE, defType(MT.WB, { fe: true })],
];

/** What Linux does on each processor: off, the ranges once more where they differ, on (prepare_set(), post_set()). */
const KERNEL: readonly BootWrite[] = [
  [MSR.DEF_TYPE, defType(MT.WB, { e: false, fe: false })],
  [MSR.DEF_TYPE, defType(MT.WB, { fe: true })],
];

/** What Linux does on the boot processor only: it cleans up a fixed range, and turns a variable range on by itself. */
const KERNEL_BOOT_CPU: readonly BootWrite[] = [
  [MSR.FIX4K_F8000, typeBytes(MT.WB)],
  [MSR.PHYSBASE0 + 2, mib(3072) | BigInt(MT.UC)],
  [MSR.PHYSMASK0 + 2, physMask(mib(512))],
];

/** The MTRR writes of one processor in a boot, in order. */
export const bootWrites = (vcpu: number): readonly BootWrite[] =>
  vcpu === 0 ? [...FIRMWARE, ...KERNEL, ...KERNEL_BOOT_CPU] : [...FIRMWARE, ...KERNEL];
