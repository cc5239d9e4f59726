import * as z from 'zod/mini';
import { QUIRK_NAMES } from '../schema.js';
import { HEX_32, hexText, words } from './fields.js';

const QUIRK_WORDS = `the name of a quirk is needed (${QUIRK_NAMES.join(', ')}), or a mask of bits in quotes, such as "0x80"`;

/** Quirks by name, or as a mask. */
export const quirk = z.codec(
  z
    .union([z.enum(QUIRK_NAMES), z.string().check(z.regex(HEX_32, QUIRK_WORDS))], words(QUIRK_WORDS))
    .check(z.describe('The name of a quirk, or a mask of their bits, such as "0x80".')),
  z.union([z.enum(QUIRK_NAMES), z.int()]),
  {
    decode: (given) => QUIRK_NAMES.find((name) => name === given) ?? Number(given),
    encode: (given) => (typeof given === 'number' ? hexText(given) : given),
  },
);
