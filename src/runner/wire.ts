import type { AgentMessage } from './recording.js';

const TAG = /^#[0-9a-f]{1,16}$/;

/** One message as a line of JSON; every bigint becomes `#` and hexadecimal digits. */
export function encodeMessage(message: AgentMessage): string {
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
