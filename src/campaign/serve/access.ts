import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The token that a request bears: in its header, or in its address, as a browser cannot set the one. */
function tokenOf({ headers, url = '/' }: IncomingMessage): string | null {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  return bearer ?? new URL(url, 'http://localhost').searchParams.get('token');
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Whether an address is this machine's own alone. */
export const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

/**
 * Whether a request may read. Without a token only who asks for this machine itself: a page from elsewhere whose name was
 * turned to this address (DNS rebinding) does not.
 */
export function mayRead(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return LOOPBACK.test(request.headers.host ?? '');
  const given = tokenOf(request);
  return given !== null && timingSafeEqual(hash(given), hash(token));
}
