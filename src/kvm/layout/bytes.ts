// Encode and decode the kernel's structs: little endian, at the offsets of linux/kvm.h.

/** View over an array's own bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Make a struct of `size` bytes from the parts that `fill` writes; the rest is 0. */
export function struct(size: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  fill(viewOf(bytes));
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

/** Encode consecutive u64 fields named in order. */
export function writeU64s<K extends string>(
  view: DataView,
  at: number,
  names: readonly K[],
  from: Record<K, bigint>,
): void {
  names.forEach((name, i) => {
    view.setBigUint64(at + 8 * i, from[name], true);
  });
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

/** Encode consecutive u8 fields named in order. */
export function writeU8s<K extends string>(
  view: DataView,
  at: number,
  names: readonly K[],
  from: Record<K, number>,
): void {
  names.forEach((name, i) => {
    view.setUint8(at + i, from[name]);
  });
}

/** Views over a buffer that is gone: every access through them throws a TypeError, or finds nothing. */
export const GONE = ((buffer: ArrayBuffer) => {
  const views = { view: new DataView(buffer), bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
  structuredClone(buffer, { transfer: [buffer] });
  return views;
})(new ArrayBuffer(8));
