import { createReadStream, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { Table } from '../jobs/table.js';

const PATH = /^\/objects\/([0-9a-f]{64})$/;

/** The image that a request is for, if it is one of this campaign's: nothing else is given away. */
export function askedImage(pathname: string, { kernels }: Table): string | undefined {
  const hash = PATH.exec(pathname)?.[1];
  return kernels.find(({ image }) => image?.sha256 === hash)?.image?.sha256;
}

/** The bytes that are asked for: all, or from one on, as who takes a transfer up again asks. */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | undefined {
  const [, from, to] = /^bytes=(\d{1,12})-(\d{0,12})$/.exec(header ?? '') ?? [];
  if (from === undefined) return undefined;
  return { from: Number(from), to: Math.min(size - 1, to ? Number(to) : size - 1) };
}

/** Send a file, or the part of it that is asked for (RFC 9110, section 14). */
export function sendFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  path: string,
  more: Record<string, string>,
): void {
  const { size } = statSync(path);
  const range = rangeOf(headers.range, size);
  const own = { ...more, 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (range !== undefined && range.from > range.to) {
    response.writeHead(416, { ...own, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: size - 1 };
  const part = range === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${size}` };
  response.writeHead(range === undefined ? 200 : 206, { ...own, ...part, 'content-length': to - from + 1 });
  // Who goes away in the middle of it does no harm.
  pipeline(createReadStream(path, { start: from, end: to }), response, () => {});
}
