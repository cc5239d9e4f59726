import { readFileSync, truncateSync } from 'node:fs';
import { expect, it } from 'vitest';
import { campaignFolder } from '../../../test/support/campaign.js';
import { objectHash } from '../store/objects.js';
import { download } from './files.js';
import type { QueueServer } from './server/types.js';

it('a file that was damaged here is fetched again', async () => {
  const { objects } = campaignFolder();
  const bytes = Buffer.from('an image');
  const asked: string[] = [];
  const get = async (hash: string) => {
    asked.push(hash);
    return bytes;
  };
  const server = { get } as unknown as QueueServer;
  const hash = objectHash(bytes);
  await download(server, objects, [hash]);
  truncateSync(objects.path(hash), 3);

  await download(server, objects, [hash]);
  await download(server, objects, [hash]);

  expect(readFileSync(objects.path(hash))).toEqual(bytes);
  expect(asked).toEqual([hash, hash]);
});
