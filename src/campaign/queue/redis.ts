import { Redis } from 'ioredis';
import { CampaignError } from '../errors.js';
import type { Objects } from '../store/objects.js';
import { objectKey } from './protocol.js';

/** How long files stay in the queue's server, in seconds: as long as a campaign may wait for a worker. */
const KEEP_SECONDS = 7 * 86_400;

const refuse = (why: string): never => {
  throw new CampaignError('CAMPAIGN_QUEUE', why);
};

/** A queue's address without what is secret. */
export function publicUrl(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/**
 * Connect to the queue's server. It is waited for, also when it goes away later: nothing that is asked of it fails for that.
 * @throws CampaignError CAMPAIGN_QUEUE if the URL is none
 */
export function connect(url: string): Redis {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' };
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    refuse('the queue is a URL such as redis://host:6379/0, or rediss:// with TLS');
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(2000, 100 * times),
  });
  return quiet(redis);
}

/** It connects again by itself: an event that nobody listens to would end the program. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => {});
  return redis;
}

/** Another connection to the same server. */
export const duplicateOf = (redis: Redis): Redis => quiet(redis.duplicate());

/** What the server must be set to, so that it loses no job. */
const SETTINGS = [
  ['appendonly', 'yes'],
  ['maxmemory-policy', 'noeviction'],
] as const;

/** How long the server may take to answer at first. */
const PATIENCE_MS = 10_000;

async function within<T>(work: Promise<T>, url: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CampaignError('CAMPAIGN_QUEUE', `no Redis answers at ${publicUrl(url)}`)),
      PATIENCE_MS,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * Whether the server keeps what it is given, also when it is killed. A server that does not tell its settings is taken as it is.
 * @throws CampaignError CAMPAIGN_QUEUE
 */
export async function checkServer(redis: Redis, url: string): Promise<void> {
  await within(redis.ping(), url);
  for (const [name, wanted] of SETTINGS) {
    const answer = (await redis.config('GET', name).catch(() => [])) as string[];
    const [, value = wanted] = answer;
    if (value !== wanted)
      refuse(`Redis at ${publicUrl(url)} would lose jobs: set ${name} ${wanted}, it is ${value}`);
  }
}

/** Put files where workers, or the coordinator, can have them. */
export async function upload(redis: Redis, objects: Objects, hashes: readonly string[]): Promise<void> {
  for (const hash of hashes) {
    // What is there stays for as long again.
    if ((await redis.expire(objectKey(hash), KEEP_SECONDS)) === 1) continue;
    await redis.set(objectKey(hash), objects.read(hash), 'EX', KEEP_SECONDS);
  }
}

/**
 * Get files that are not here.
 * @throws CampaignError CAMPAIGN_OBJECT if one is nowhere, or is not what its name says
 */
export async function download(redis: Redis, objects: Objects, hashes: readonly string[]): Promise<void> {
  for (const hash of hashes) {
    if (objects.has(hash)) continue;
    const bytes = await redis.getBuffer(objectKey(hash));
    if (bytes === null)
      throw new CampaignError('CAMPAIGN_OBJECT', `${hash.slice(0, 12)} is not in the queue`);
    if (objects.put(bytes) !== hash)
      throw new CampaignError(
        'CAMPAIGN_OBJECT',
        `${hash.slice(0, 12)} in the queue is not what its name says`,
      );
  }
}
