/** Letters for powers of 1024, each with its exponent of 2. */
const UNITS = { '': 0n, K: 10n, M: 20n, G: 30n, T: 40n } as const;

type Unit = keyof typeof UNITS;

/**
 * Read an address or a size as people write it: decimal or 0x…, with K, M, G or T after it. Undefined if it is none.
 *
 * @param plain the unit of a number without a letter
 */
export function readSize(text: string, plain: Unit = ''): bigint | undefined {
  const [, digits, letter = ''] = /^(0x[0-9a-f]+|\d+)([KMGT]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const unit = letter === '' ? plain : (letter.toUpperCase() as Unit);
  return BigInt(digits) << UNITS[unit];
}

/** Read a whole number, decimal or 0x…. Undefined if it is none. */
export const readWhole = (text: string): bigint | undefined =>
  /[KMGT]$/i.test(text) ? undefined : readSize(text);
