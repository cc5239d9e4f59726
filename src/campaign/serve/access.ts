import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A path, or the whole address that a proxy is given (RFC 9112, section 3.2); `//x` would name another host. */
const TARGET = /^(?:\/(?![/\\])|https?:\/\/)/i;

/** What a request is for; undefined where that is no address. */
export function targetOf({ url = '' }: Pick<IncomingMessage, 'url'>): URL | undefined {
  const base = 'http://localhost';
  return TARGET.test(url) && URL.canParse(url, base) ? new URL(url, base) : undefined;
}

/** The token that a request bears: in its header, or in its address, as a browser cannot set the one. */
function tokenOf(request: IncomingMessage): string | null {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? targetOf(request)?.searchParams.get('token') ?? null;
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
