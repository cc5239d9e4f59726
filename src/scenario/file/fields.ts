import * as z from 'zod/mini';
import { MSR_BY_NAME, msrName } from '../../arch/msrs.js';
import { GIB, MIB, PAGE_SIZE } from '../../arch/units.js';

// The fields that people write otherwise than the program keeps them, each as a codec: read one way, written the other.

const U32_MAX = 0xffff_ffff;
const MOST_PAGES = 1 << 20;

const HEX = /^0x[0-9a-fA-F]{1,16}$/;
export const HEX_32 = /^0x[0-9a-fA-F]{1,8}$/;
const SIZE = /^[1-9][0-9]{0,6}[KMG]$/;
const BYTES: Record<string, number> = { K: 1024, M: MIB, G: GIB };

const HEX_WORDS = 'a hexadecimal number of at most 64 bits is needed, in quotes, such as "0x4000000"';
const MSR_WORDS =
  'the name of an MSR is needed, such as "PAT" or "MTRR_DEF_TYPE", or its number, such as "0x277"';
const PAGES_WORDS = 'a size in whole pages of 4K is needed, such as "16K" or "4M", or a number of such pages';

/** What to say of a value that is there; of one that is missing parseScenario() says so. */
export const words = (text: string) => ({
  error: ({ input }: { input?: unknown }): string | undefined => (input === undefined ? undefined : text),
});

export const hexText = (value: bigint | number): string => `0x${value.toString(16)}`;

/** An address or the value of an MSR. */
export const hex = z.codec(
  z.string(words(HEX_WORDS)).check(z.regex(HEX, HEX_WORDS), z.describe('Hexadecimal, such as "0x4000000".')),
  z.bigint(),
  { decode: (text) => BigInt(text), encode: hexText },
);

/** An MSR by its name, or by its number. */
export const msr = z.codec(
  z
    .union(
      [
        z.enum([...MSR_BY_NAME.keys()]),
        z.string().check(z.regex(HEX_32, MSR_WORDS)),
        z.int().check(z.minimum(0, MSR_WORDS), z.maximum(U32_MAX, MSR_WORDS)),
      ],
      words(MSR_WORDS),
    )
    .check(z.describe('The name of an MTRR or the PAT, or its number, such as "0x277".')),
  z.int(),
  {
    decode: (given) => MSR_BY_NAME.get(String(given)) ?? Number(given),
    encode: (number) => msrName(number) ?? hexText(number),
  },
);

function sizeText(pages: number): string {
  const bytes = pages * PAGE_SIZE;
  const unit = ['G', 'M'].find((letter) => bytes % (BYTES[letter] as number) === 0) ?? 'K';
  return `${bytes / (BYTES[unit] as number)}${unit}`;
}

const bytesOf = (text: string): number => Number(text.slice(0, -1)) * (BYTES[text.slice(-1)] as number);
const isWholePages = (text: string): boolean => bytesOf(text) % PAGE_SIZE === 0;

/** How much memory: pages of 4 KiB, or a size that is whole pages. */
export const pages = z.codec(
  z
    .union(
      [z.string().check(z.regex(SIZE, PAGES_WORDS), z.refine(isWholePages, PAGES_WORDS)), z.int(PAGES_WORDS)],
      words(PAGES_WORDS),
    )
    .check(z.describe('A size such as "4M" or "16K", or a number of pages of 4 KiB.')),
  z.int().check(z.minimum(1), z.maximum(MOST_PAGES)),
  {
    decode: (given) => (typeof given === 'number' ? given : bytesOf(given) / PAGE_SIZE),
    encode: sizeText,
  },
);
