import { byteOf, MEM_TYPES, MT, PAT_TYPES, type PatType } from '../../arch/memory-types.js';
import { MSR, msrName, VARIABLE_COUNT } from '../../arch/msrs.js';
import { isValidMsrValue, type MtrrMsr, VALUE_RULES } from './msrs.js';

/** Why a write faults. */
export interface MsrFault {
  /** A clause that follows "would fault:". */
  readonly reason: string;
  /** The least MAXPHYADDR with which the same write is legal; undefined if there is none. */
  readonly maxphyaddr: number | undefined;
}

const WIDEST = 52;
/** An MSR for people: `MSR 0x2ff (IA32_MTRR_DEF_TYPE)`; without a name where it is neither an MTRR nor the PAT. */
export function describeMsr(msr: number): string {
  const name = msrName(msr);
  return `MSR 0x${msr.toString(16)}${name === undefined ? '' : ` (IA32_${name})`}`;
}

const PAIRS_END = MSR.PHYSBASE0 + 2 * VARIABLE_COUNT;

/**
 * Why RDMSR and WRMSR of a number between those of MTRRs fault with #GP(0), on every kernel and with kvm.ignore_msrs too: all of
 * 0x200 to 0x26f is for the MTRR code, whose `msr_mtrr_valid()` and successors know no other number. Undefined elsewhere.
 */
export function missingMtrr(msr: number): string | undefined {
  if (msr < MSR.PHYSBASE0 || msr > MSR.FIX4K_F8000 || msrName(msr) !== undefined) return undefined;
  const pairs = `VCNT in MTRRcap is ${VARIABLE_COUNT}: KVM has ${VARIABLE_COUNT} pairs of PHYSBASE and PHYSMASK, 0x200 to 0x20f`;
  return msr >= PAIRS_END && msr < MSR.FIX64K_00000 ? pairs : 'no MTRR has this number';
}

/** Numbers of the bits that are set, neighbours joined: `bit 12`, `bits 8-10 and 40`. */
function bitList(value: bigint): string {
  const runs = [...value.toString(2)].reverse().join('').matchAll(/1+/g);
  const texts = [...runs].map(({ 0: run, index }) =>
    run.length === 1 ? `${index}` : `${index}-${index + run.length - 1}`,
  );
  const isOne = (value & (value - 1n)) === 0n;
  return `${isOne ? 'bit' : 'bits'} ${texts.join(' and ')}`;
}

const verb = (list: string, one: string, several: string): string =>
  list.startsWith('bit ') ? one : several;

function typeFault(msr: MtrrMsr, value: bigint, count: number, decode: (n: number) => unknown): string[] {
  const types: readonly PatType[] = msr.kind === 'pat' ? PAT_TYPES : MEM_TYPES;
  const legal = types.map((type) => `${MT[type]} ${type}`).join(', ');
  const bad = Array.from({ length: count }, (_, i) => i).filter(
    (i) => decode(byteOf(value, i)) === undefined,
  );
  return bad.slice(0, 1).map((i) => `byte ${i} is ${byteOf(value, i)}, which is no memory type (${legal})`);
}

/**
 * Why a write of this value faults with #GP(0); undefined if it does not.
 *
 * @param maxphyaddr the guest's physical-address bits, 36 to 52
 */
export function faultOf(msr: MtrrMsr, value: bigint, maxphyaddr: number): MsrFault | undefined {
  if (isValidMsrValue(msr, value, maxphyaddr)) return undefined;
  if (msr.kind === 'cap') return { reason: 'it is read-only', maxphyaddr: undefined };
  const { reserved, hasAddress, types, decode } = VALUE_RULES[msr.kind];
  const reasons = typeFault(msr, value, types, decode);
  if ((value & reserved) !== 0n) {
    const list = bitList(value & reserved);
    reasons.push(`${list} ${verb(list, 'is', 'are')} reserved`);
  }
  const above = hasAddress ? (value >> BigInt(maxphyaddr)) << BigInt(maxphyaddr) : 0n;
  if (above !== 0n) {
    const list = bitList(above);
    reasons.push(`${list} ${verb(list, 'lies', 'lie')} at or above the guest's MAXPHYADDR, ${maxphyaddr}`);
  }
  const width = value.toString(2).length;
  const cured = width <= WIDEST && isValidMsrValue(msr, value, width);
  return { reason: reasons.join(', and '), maxphyaddr: cured ? width : undefined };
}
