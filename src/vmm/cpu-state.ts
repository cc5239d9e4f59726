import { CR0_ET, CR0_LONG_MODE, CR0_PE } from '../arch/cr0.js';
import type { Segment, Sregs } from '../kvm/layout/registers.js';

const CR4_PAE = 0x20n;
const EFER_LME_LMA = 0x500n;

const FLAT = { base: 0n, limit: 0xffffffff, present: 1, dpl: 0, s: 1, g: 1, avl: 0, unusable: 0 };
const CODE = 0xb;
const DATA = 0x3;

/** Where the descriptors and tables of a 32- or 64-bit start lie, guest-physical, and the selectors in them. */
export interface FlatTables {
  gdt: { base: bigint; limit: number };
  codeSelector: number;
  dataSelector: number;
}

/** GDT of a flat start: null twice, then code at 0x10 and data at 0x18, as the Linux boot protocol has them. */
export function flatGdt(bits: 32 | 64): BigUint64Array {
  return new BigUint64Array([
    0n,
    0n,
    bits === 64 ? 0x00af9b000000ffffn : 0x00cf9b000000ffffn,
    0x00cf93000000ffffn,
  ]);
}

function withData(sregs: Sregs, data: Segment): Sregs {
  return { ...sregs, ds: data, es: data, fs: data, gs: data, ss: data };
}

/** Real mode with every segment at 0, CR0.CD clear. */
export function realMode(sregs: Sregs): Sregs {
  const segment = { ...FLAT, limit: 0xffff, selector: 0, g: 0, db: 0, l: 0 };
  return { ...withData(sregs, { ...segment, type: DATA }), cs: { ...segment, type: CODE }, cr0: CR0_ET };
}

/** Flat 32-bit protected mode, paging off, CR0.CD clear. */
export function protectedMode(sregs: Sregs, t: FlatTables): Sregs {
  return {
    ...withData(sregs, { ...FLAT, selector: t.dataSelector, type: DATA, db: 1, l: 0 }),
    cs: { ...FLAT, selector: t.codeSelector, type: CODE, db: 1, l: 0 },
    gdt: t.gdt,
    cr0: CR0_PE | CR0_ET,
    cr4: 0n,
    efer: 0n,
  };
}

/** 64-bit mode on the page tables at `cr3`, CR0.CD clear. */
export function longMode(sregs: Sregs, t: FlatTables, cr3: bigint): Sregs {
  return {
    ...withData(sregs, { ...FLAT, selector: t.dataSelector, type: DATA, db: 1, l: 0 }),
    cs: { ...FLAT, selector: t.codeSelector, type: CODE, db: 0, l: 1 },
    gdt: t.gdt,
    cr0: CR0_LONG_MODE,
    cr3,
    cr4: CR4_PAE,
    efer: EFER_LME_LMA,
  };
}
