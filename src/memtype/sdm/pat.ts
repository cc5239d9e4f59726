import { byteOf, decodePatType, type PatType } from '../../arch/memory-types.js';

/**
 * The memory type in an entry of the PAT.
 *
 * @param pat value of IA32_PAT, valid
 * @param index entry, 0 to 7; undefined while CR0.PG is 0, where the PAT type is WB whatever the MSR holds
 * @throws RangeError if the entry holds a reserved encoding
 */
export function patType(pat: bigint, index: number | undefined): PatType {
  if (index === undefined) return 'WB';
  const type = decodePatType(byteOf(pat, index));
  if (type === undefined) throw new RangeError(`PAT entry ${index} of 0x${pat.toString(16)} is reserved`);
  return type;
}
