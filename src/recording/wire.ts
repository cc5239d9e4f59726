import { deflateRawSync, inflateRawSync } from 'node:zlib';

const TAG = /^#[0-9a-f]{1,16}$/;

/** Tell bigints from text: `#` and hexadecimal digits are a bigint, and a text that starts with `#` gets one more. */
function encodeValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `#${value.toString(16)}`;
  return typeof value === 'string' && value.startsWith('#') ? `#${value}` : value;
}

function decodeText(text: string): unknown {
  if (TAG.test(text)) return BigInt(`0x${text.slice(1)}`);
  return text.startsWith('##') ? text.slice(1) : text;
}

/** Restore every text in what JSON.parse() made, in place: its own way to do so takes twice as long. */
function restored(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('#') ? decodeText(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) value[i] = restored(value[i]);
  else {
    const fields = value as Record<string, unknown>;
    for (const key of Object.keys(fields)) fields[key] = restored(fields[key]);
  }
  return value;
}

/** A value as a line of JSON, bigints included. */
export const encodeJson = (value: unknown): string => JSON.stringify(value, encodeValue);

/** Read JSON back, bigints restored; the shape is not checked here. */
export const decodeJson = (json: string): unknown => restored(JSON.parse(json));

/** Bytes of the longest text that is unpacked: many times what the buffer of a trace holds. */
export const TEXT_LIMIT = 64 << 20;

/** Make text small, in ASCII: each byte that leaves the lab costs hundreds of instructions there, for its serial port. */
export function packText(text: Buffer): string {
  return deflateRawSync(text, { level: 1 }).toString('base64');
}

/**
 * Undo packText().
 * @param limit most bytes that may come out
 * @throws if it was not packed, or is longer than any trace
 */
export function unpackText(packed: string, limit = TEXT_LIMIT): string {
  return inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: limit }).toString('latin1');
}
