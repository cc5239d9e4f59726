// Bits of CR0 (SDM, "Control Registers").

export const CR0_PE = 1n << 0n;
export const CR0_ET = 1n << 4n;
const CR0_NE = 1n << 5n;
const CR0_WP = 1n << 16n;
export const CR0_NW = 1n << 29n;
export const CR0_CD = 1n << 30n;
export const CR0_PG = 1n << 31n;
/** CD and NW: what says how caches work. */
export const CR0_CACHE = CR0_CD | CR0_NW;

/** CR0 of a guest in long mode; CD and NW are clear. */
export const CR0_LONG_MODE = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE;

/** Where a processor begins after an INIT: CS has base 0xffff0000, and RIP is 0xfff0 (SDM, the same). */
export const START_AFTER_INIT = 0xffff_fff0n;

/** Where it begins after a SIPI: at the page of the vector (SDM, "MP Initialization"). */
export const startAfterSipi = (vector: number): bigint => BigInt(vector) << 12n;

/** CR0 after an INIT: CD and NW stay, ET is fixed (SDM, "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT"). */
export const cr0AfterInit = (before: bigint): bigint => CR0_ET | (before & CR0_CACHE);

/** CR0 after an INIT on kernels that turn caches off with it, as a reset does. */
export const CR0_AFTER_RESET = CR0_ET | CR0_CACHE;
