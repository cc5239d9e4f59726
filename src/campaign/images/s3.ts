import { httpPlace } from './http.js';
import type { Place } from './place.js';

/** Where the objects of a bucket are, by the variables that all tools of S3 read. */
function addressOf(text: string): string {
  const { host: bucket, pathname } = new URL(text);
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  const endpoint = AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || `https://s3.${region()}.amazonaws.com`;
  return `${endpoint.replace(/\/+$/, '')}/${bucket}${pathname}`;
}

const region = (): string => process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1';

/** A request's signature, if there are keys: a public bucket needs none. */
async function signed(url: string): Promise<Record<string, string>> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return {};
  const { AwsV4Signer } = await import('aws4fetch');
  const signer = new AwsV4Signer({
    url,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    service: 's3',
    region: region(),
  });
  const { headers } = await signer.sign();
  return Object.fromEntries(headers);
}

/** A place in S3, or in what speaks as it does: `s3://bucket/folder`. */
export const s3Place = (text: string): Place => httpPlace(text, addressOf(text), signed);
