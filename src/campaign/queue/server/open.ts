import { queueUrlOf } from './address.js';
import type { QueueServer } from './types.js';

/**
 * Connect to the server of a queue. Only the client that its URL asks for is loaded.
 * @throws CampaignError CAMPAIGN_QUEUE if it is none, does not answer, or would lose jobs
 */
export async function openServer(text: string): Promise<QueueServer> {
  const { kind } = queueUrlOf(text);
  if (kind === 'postgres') return (await import('./postgres.js')).PostgresServer.open(text);
  return (await import('./redis.js')).RedisServer.open(text);
}
