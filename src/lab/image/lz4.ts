/** Largest block of the legacy LZ4 frame, uncompressed. */
const BLOCK_SIZE = 8 << 20;

/**
 * Unpack a legacy LZ4 frame, as `lz4 -l` makes it for the kernel's own loader (lib/decompress_unlz4.c).
 *
 * @param size bytes that it unpacks to
 * @throws RangeError when the data is damaged
 */
export function unpackLegacyLz4(packed: Uint8Array, size: number): Buffer {
  const source = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const target = Buffer.alloc(size);
  let from = 4;
  let to = 0;
  while (to < size) {
    const length = source.readUInt32LE(from);
    const limit = Math.min(size, to + BLOCK_SIZE);
    to = unpackBlock(source.subarray(from + 4, from + 4 + length), target, to, limit);
    from += 4 + length;
  }
  return target;
}

/** Unpack one block to `target` at `to`; returns where it ends. */
function unpackBlock(source: Buffer, target: Buffer, to: number, limit: number): number {
  let from = 0;
  const extended = (length: number): number => {
    if (length !== 15) return length;
    for (;;) {
      const more = source.readUInt8(from++);
      length += more;
      if (more !== 255) return length;
    }
  };
  while (from < source.length) {
    const token = source.readUInt8(from++);
    const literals = extended(token >> 4);
    if (from + literals > source.length || to + literals > limit)
      throw new RangeError('LZ4 literals past the end');
    source.copy(target, to, from, from + literals);
    from += literals;
    to += literals;
    if (from === source.length) break; // The last sequence has no match.
    const offset = source.readUInt16LE(from);
    from += 2;
    const length = extended(token & 15) + 4;
    if (offset === 0 || offset > to || to + length > limit) throw new RangeError('LZ4 match out of range');
    copyMatch(target, to, offset, length);
    to += length;
  }
  return to;
}

/** A match may overlap its own output: then it repeats with period `offset`. */
function copyMatch(target: Buffer, to: number, offset: number, length: number): void {
  if (offset >= length) target.copyWithin(to, to - offset, to - offset + length);
  else for (let i = 0; i < length; i++) target[to + i] = target[to + i - offset] as number;
}
