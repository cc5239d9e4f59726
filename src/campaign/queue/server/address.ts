import { CampaignError } from '../../errors.js';

/** The servers that a queue can be on, by the protocol of its URL. */
const KINDS = {
  'redis:': 'redis',
  'rediss:': 'redis',
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
} as const;

/** A server that a queue can be on. */
export type ServerKind = (typeof KINDS)[keyof typeof KINDS];

/** What a queue's URL is like, for messages. */
export const URL_WORDS =
  'a URL such as redis://host:6379/0, rediss:// with TLS, or postgres://host/database?sslmode=verify-full';

/** The URL of a queue, if it is one. */
export function parseQueueUrl(text: string): { kind: ServerKind; url: URL } | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = url && (KINDS as Partial<Record<string, ServerKind>>)[url.protocol];
  return url === undefined || kind === undefined ? undefined : { kind, url };
}

/** @throws CampaignError CAMPAIGN_QUEUE: what is wrong is told without the URL, which may bear a password */
export function queueUrlOf(text: string): { kind: ServerKind; url: URL } {
  const parsed = parseQueueUrl(text);
  if (parsed !== undefined) return parsed;
  throw new CampaignError('CAMPAIGN_QUEUE', `the queue is ${URL_WORDS}`);
}

/** Whether a URL bears a password, wherever a client would look for one. */
export const hasPassword = ({ password, searchParams }: URL): boolean =>
  password !== '' || searchParams.has('password');

/** A queue's address without what is secret. */
export function publicUrl(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
