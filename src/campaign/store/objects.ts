import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CampaignError } from '../errors.js';

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

  /** Keep bytes; the disk has them when this returns. */
  put(bytes: Uint8Array): string {
    const hash = objectHash(bytes);
    this.#fill(hash, (temporary) => {
      const fd = openSync(temporary, 'wx');
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
    return hash;
  }

  /** Keep a file, without a copy of its blocks where the file system can do that. */
  putFile(path: string): string {
    const hash = objectHash(readFileSync(path));
    this.#fill(hash, (temporary) => copyFileSync(path, temporary, constants.COPYFILE_FICLONE));
    return hash;
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

  #fill(hash: string, write: (temporary: string) => void): void {
    if (this.has(hash)) return;
    const path = this.path(hash);
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    try {
      write(temporary);
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }
}
