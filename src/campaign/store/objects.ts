import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CampaignError } from '../errors.js';
import { placeFile } from './durable.js';

/** The name of an object: the SHA-256 of what it holds, in hex. */
export const objectHash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What an uncompressed result may be at most. */
const MOST_JSON = 256 << 20;

/** Files that are named by the SHA-256 of what they hold: kernel images, patches, results. What is there is never changed. */
export class Objects {
  constructor(readonly folder: string) {}

  /** Where an object is, or would be. */
  path(hash: string): string {
    return join(this.folder, hash.slice(0, 2), hash.slice(2));
  }

  has(hash: string): boolean {
    return existsSync(this.path(hash));
  }

  /** Whether an object is there, and is what its name says. */
  isWhole(hash: string): boolean {
    const path = this.path(hash);
    return existsSync(path) && objectHash(readFileSync(path)) === hash;
  }

  /** Keep bytes; the disk has them when this returns. */
  put(bytes: Uint8Array): string {
    return this.#keep(objectHash(bytes), bytes);
  }

  /** Keep a file, without a copy of its blocks where the file system can do that; the disk has it when this returns. */
  putFile(path: string): string {
    const copy = (temporary: string): void => copyFileSync(path, temporary, constants.COPYFILE_FICLONE);
    return this.#keep(objectHash(readFileSync(path)), copy);
  }

  /** @throws CampaignError CAMPAIGN_OBJECT if it is not there, or is not what its name says */
  read(hash: string): Buffer {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.path(hash));
    } catch (error) {
      throw new CampaignError('CAMPAIGN_OBJECT', `${this.path(hash)} is missing`, { cause: error });
    }
    if (objectHash(bytes) === hash) return bytes;
    throw new CampaignError('CAMPAIGN_OBJECT', `${this.path(hash)} is not what its name says`);
  }

  putJson(value: unknown): string {
    return this.put(gzipSync(JSON.stringify(value)));
  }

  /** @throws CampaignError CAMPAIGN_OBJECT */
  readJson(hash: string): unknown {
    const bytes = this.read(hash);
    try {
      return JSON.parse(gunzipSync(bytes, { maxOutputLength: MOST_JSON }).toString());
    } catch (error) {
      throw new CampaignError('CAMPAIGN_OBJECT', `${this.path(hash)} holds no result`, { cause: error });
    }
  }

  /** Every object that is there. */
  all(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder).flatMap((head) =>
      readdirSync(join(this.folder, head)).flatMap((tail) =>
        /^[0-9a-f]{62}$/.test(tail) ? [head + tail] : [],
      ),
    );
  }

  remove(hash: string): void {
    rmSync(this.path(hash), { force: true });
  }

  /** What is there may have been damaged since. */
  #keep(hash: string, what: Parameters<typeof placeFile>[1]): string {
    if (this.isWhole(hash)) return hash;
    const path = this.path(hash);
    mkdirSync(dirname(path), { recursive: true });
    placeFile(path, what);
    return hash;
  }
}
