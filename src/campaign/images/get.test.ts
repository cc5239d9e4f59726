import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { scratchDir } from '../../../test/support/fake-host.js';
import { Objects } from '../store/objects.js';
import { haveImage, placeOf } from './get.js';

const IMAGE = randomBytes(300_000);
const HASH = createHash('sha256').update(IMAGE).digest('hex');

function folder(): string {
  const path = scratchDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function server(listener: RequestListener): Promise<string> {
  const own = createServer(listener).listen(0, '127.0.0.1');
  await once(own, 'listening');
  onTestFinished(() => void own.close().closeAllConnections());
  return `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
}

/** Have the image from these places, and tell whether it is there. */
async function have(...places: string[]): Promise<boolean> {
  const objects = new Objects(join(folder(), 'objects'));
  await haveImage(
    objects,
    HASH,
    places.map((place) => placeOf(place, '/')),
  );
  return objects.read(HASH).equals(IMAGE);
}

it.each([
  ['by its hash', HASH],
  ["as a campaign's objects lie", join(HASH.slice(0, 2), HASH.slice(2))],
])('a folder has an image %s', async (_, name) => {
  const place = folder();
  mkdirSync(join(place, HASH.slice(0, 2)));
  writeFileSync(join(place, name), IMAGE);

  expect(await have('/nonexistent', place)).toBe(true);
});

it('what is not what its hash says is not taken, and the next place is asked', async () => {
  const [bad, good] = [folder(), folder()];
  writeFileSync(join(bad, HASH), 'other');
  writeFileSync(join(good, HASH), IMAGE);

  expect(await have(bad, good)).toBe(true);
  await expect(have(bad)).rejects.toThrow(/cannot be had: .* has another file by its name/);
  await expect(have()).rejects.toThrow('no place is given for it');
});

/** Sends a part of what is asked for, and breaks off. */
function breaking(asked: string[]) {
  return ({ headers }: IncomingMessage, response: ServerResponse): void => {
    asked.push(headers.range ?? 'all');
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': IMAGE.length - from });
    if (asked.length === 4) response.end(IMAGE.subarray(from));
    else response.write(IMAGE.subarray(from, from + 60_000), () => setTimeout(() => response.destroy(), 200));
  };
}

it.each(['https://me:hunter2@host/images', 'http://:hunter2@host', 's3://key:hunter2@bucket/images'])(
  'a place with a password is refused without it: %s',
  (place) => {
    expect(() => placeOf(place, '/')).toThrow(/^a URL of places has a name or a password in it/);
  },
);

it('what a server broke off is taken up where it ended', async () => {
  const asked: string[] = [];
  const url = await server(breaking(asked));

  expect(await have(url)).toBe(true);

  expect(asked.length).toBe(4);
  expect(asked.at(-1)).toMatch(/^bytes=[1-9]/);
});

it.each([
  [
    'an error',
    (_: IncomingMessage, response: ServerResponse) => void response.writeHead(500).end(),
    /answered 500/,
  ],
  [
    'nothing',
    (_: IncomingMessage, response: ServerResponse) => void response.writeHead(404).end(),
    /does not have it/,
  ],
  [
    'too much',
    (_: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(200, { 'content-length': 1e12 }).end('x'),
    /too large/,
  ],
])('a server that gives %s is told of', async (_, listener, why) => {
  await expect(have(await server(listener))).rejects.toThrow(why);
});

it('a bucket is asked with a signature, where there are keys', async () => {
  const asked: string[] = [];
  const endpoint = await server(({ url, headers }, response) => {
    asked.push(`${url} ${headers.authorization}`);
    response.end(IMAGE);
  });
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  onTestFinished(() => void vi.unstubAllEnvs());

  expect(await have('s3://bucket/images')).toBe(true);

  expect(asked).toEqual([
    expect.stringMatching(
      new RegExp(
        `^/bucket/images/${HASH} AWS4-HMAC-SHA256 Credential=key/\\d{8}/us-east-1/s3/aws4_request, `,
      ),
    ),
  ]);
});
