import { KvmError } from '../errors.js';

// Encode and decode the kernel's structs: little endian, at the offsets of linux/kvm.h.

/** View over an array's own bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const EINVAL = 22;
const MAX_U64 = (1n << 64n) - 1n;

/** The number itself, if it is an integer from `min` to `max`: the setters of a DataView would wrap it. */
function checkInteger(value: number, name: string, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new KvmError('KVM_ARGUMENT', name, EINVAL, `must be an integer from ${min} to ${max}`);
}

const MAX_U32 = 0xffff_ffff;

/**
 * `flags`, with `more` of them.
 * @throws KvmError `KVM_ARGUMENT` if `flags` is no u32
 */
export const withFlags = (flags: number, more: number): number =>
  (checkInteger(flags, 'flags', 0, MAX_U32) | more) >>> 0;

/**
 * The value itself, if 64 bits hold it.
 * @throws KvmError `KVM_ARGUMENT`
 */
export function checkU64(value: bigint, name: string): bigint {
  if (typeof value === 'bigint' && value >= 0n && value <= MAX_U64) return value;
  throw new KvmError('KVM_ARGUMENT', name, EINVAL, 'must be a bigint from 0 to 2^64-1');
}

/** Writes the fields of a struct: what a field cannot hold throws KvmError `KVM_ARGUMENT` with the field's name. */
export class Fields {
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  u8(at: number, value: number, name: string): void {
    this.#view.setUint8(at, checkInteger(value, name, 0, 0xff));
  }

  u16(at: number, value: number, name: string): void {
    this.#view.setUint16(at, checkInteger(value, name, 0, 0xffff), true);
  }

  u32(at: number, value: number, name: string): void {
    this.#view.setUint32(at, checkInteger(value, name, 0, MAX_U32), true);
  }

  i32(at: number, value: number, name: string): void {
    this.#view.setInt32(at, checkInteger(value, name, -0x8000_0000, 0x7fff_ffff), true);
  }

  u64(at: number, value: bigint, name: string): void {
    this.#view.setBigUint64(at, checkU64(value, name), true);
  }

  /** Consecutive u8 fields named in order. */
  u8s<K extends string>(at: number, names: readonly K[], from: Record<K, number>): void {
    for (const [i, name] of names.entries()) this.u8(at + i, from[name], name);
  }

  /** Consecutive u64 fields named in order. */
  u64s<K extends string>(at: number, names: readonly K[], from: Record<K, bigint>): void {
    for (const [i, name] of names.entries()) this.u64(at + 8 * i, from[name], name);
  }
}

/** Make a struct of `size` bytes from the fields that `fill` puts; the rest is 0. */
export function struct(size: number, fill: (put: Fields) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  fill(new Fields(viewOf(bytes)));
  return bytes;
}

/** Decode consecutive u64 fields named in order. */
export function readU64s<K extends string>(
  view: DataView,
  at: number,
  names: readonly K[],
): Record<K, bigint> {
  const out = {} as Record<K, bigint>;
  names.forEach((name, i) => {
    out[name] = view.getBigUint64(at + 8 * i, true);
  });
  return out;
}

/** Decode consecutive u8 fields named in order. */
export function readU8s<K extends string>(
  view: DataView,
  at: number,
  names: readonly K[],
): Record<K, number> {
  const out = {} as Record<K, number>;
  names.forEach((name, i) => {
    out[name] = view.getUint8(at + i);
  });
  return out;
}

/** Views over a buffer that is gone: every access through them throws a TypeError, or finds nothing. */
export const GONE = ((buffer: ArrayBuffer) => {
  const views = { view: new DataView(buffer), bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
  structuredClone(buffer, { transfer: [buffer] });
  return views;
})(new ArrayBuffer(8));
