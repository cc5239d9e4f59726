import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AgentMessage, RawRecording } from './recording.js';

const TAG = /^#[0-9a-f]{1,16}$/;

/** One message as a line of JSON; every bigint becomes `#` and hexadecimal digits. */
export function encodeMessage(message: AgentMessage<RawRecording>): string {
  return JSON.stringify(message, (_key, value: unknown) =>
    typeof value === 'bigint' ? `#${value.toString(16)}` : value,
  );
}

/** Read a line of JSON back, bigints restored; the shape is not checked here. */
export function decodeJson(line: string): unknown {
  return JSON.parse(line, (_key, value: unknown) =>
    typeof value === 'string' && TAG.test(value) ? BigInt(`0x${value.slice(1)}`) : value,
  );
}

/** Bytes of the longest text that is unpacked: many times what the buffer of a trace holds. */
const TEXT_LIMIT = 64 << 20;

/** Make text small, in ASCII: each byte that leaves the lab costs hundreds of instructions there, for its serial port. */
export function packText(text: Buffer): string {
  return deflateRawSync(text, { level: 1 }).toString('base64');
}

/**
 * Undo packText().
 * @throws if it was not packed, or is longer than any trace
 */
export function unpackText(packed: string): string {
  return inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: TEXT_LIMIT }).toString('latin1');
}
