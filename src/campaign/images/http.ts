import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { MOST_BYTES, type Place } from './place.js';

/** How often a transfer that broke is taken up again. */
const TRIES = 4;
/** How long a server may send nothing. */
const SILENCE_MS = 30_000;
/** Its token, where it wants one: never on a command line. */
const VARIABLE = 'KVM_MEMTYPE_IMAGES_TOKEN';

/** What a request has beside its address: signed anew for each. */
export type HeadersOf = (url: string) => Promise<Record<string, string>>;

const withToken: HeadersOf = async () => {
  const token = process.env[VARIABLE];
  return token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` };
};

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** What a server says that cannot be mended by asking again. */
class Refused extends Error {}

/** Ask for what is missing of a file. @returns false if the server does not have it */
async function request(url: string, path: string, headers: Record<string, string>): Promise<boolean> {
  const have = sizeOf(path);
  const stop = new AbortController();
  const range = have > 0 ? { range: `bytes=${have}-` } : {};
  const timer = setTimeout(
    () => stop.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)),
    SILENCE_MS,
  );
  try {
    const response = await fetch(url, { headers: { ...headers, ...range }, signal: stop.signal });
    return await take(response, path, have, () => timer.refresh());
  } finally {
    clearTimeout(timer);
  }
}

/** Write down what a server sends. What has come when it breaks off stays. */
async function take(response: Response, path: string, have: number, onPiece: () => void): Promise<boolean> {
  const { status, body } = response;
  if (status === 404 || status === 410) return false;
  if (status === 416) throw new Refused('it has less than what came before');
  if (status !== 200 && status !== 206) throw new Refused(`the server answered ${status}`);
  if (Number(response.headers.get('content-length') ?? 0) > MOST_BYTES) throw new Refused('it is too large');
  // A server that knows no ranges sends all of it again.
  let total = status === 206 ? have : 0;
  const fd = openSync(path, status === 206 ? 'a' : 'w');
  try {
    for await (const piece of body ?? []) {
      onPiece();
      total += piece.length;
      // Whatever the server said before.
      if (total > MOST_BYTES) throw new Refused('it is too large');
      writeSync(fd, piece);
    }
  } finally {
    closeSync(fd);
  }
  return true;
}

/** A place on a server. What was broken off is taken up where it ended. */
export const httpPlace = (text: string, base: string, headersOf: HeadersOf = withToken): Place => ({
  text,
  async get(hash, path) {
    const url = `${base.replace(/\/+$/, '')}/${hash}`;
    for (let left = TRIES; ; left--) {
      try {
        return await request(url, path, await headersOf(url));
      } catch (error) {
        if (error instanceof Refused || left === 1) throw error;
      }
    }
  },
});
