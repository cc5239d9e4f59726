import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OwnedNames } from '../../process/owned-names.js';
import { CampaignError } from '../errors.js';
import { type Objects, objectHash } from '../store/objects.js';
import { httpPlace } from './http.js';
import type { Place } from './place.js';
import { s3Place } from './s3.js';

/** A folder: files are called by their hash, or lie as in a campaign's `objects`. */
const folderPlace = (text: string, folder: string): Place => ({
  text,
  async get(hash, path) {
    const names = [join(folder, hash), join(folder, hash.slice(0, 2), hash.slice(2))];
    const found = names.find((name) => existsSync(name));
    if (found !== undefined) copyFileSync(found, path);
    return found !== undefined;
  },
});

/** Whether a URL says who asks: the file, the journal and all that tells of the place would hold that. */
function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

/**
 * A place as people write it: a folder, `http://`, `https://`, or `s3://bucket/folder`. Paths count from `folder`.
 * @throws CampaignError CAMPAIGN_FILE if it has a password in it
 */
export function placeOf(text: string, folder: string): Place {
  if (hasCredentials(text))
    throw new CampaignError(
      'CAMPAIGN_FILE',
      'a URL of places has a name or a password in it, which others could read: put a token into the variable KVM_MEMTYPE_IMAGES_TOKEN',
    );
  if (/^https?:\/\//.test(text)) return httpPlace(text, text);
  if (text.startsWith('s3://')) return s3Place(text);
  return folderPlace(text, resolve(folder, text));
}

/**
 * Have an image, from the first place that has it: it is held against its hash before anything is done with it.
 * @throws CampaignError CAMPAIGN_OBJECT if none has it, or what it has is not that image
 */
export async function haveImage(objects: Objects, hash: string, places: readonly Place[]): Promise<void> {
  if (objects.isWhole(hash)) return;
  const folder = dirname(objects.path(hash));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, new OwnedNames('image.').next());
  const why: string[] = [];
  try {
    for (const place of places) {
      const said = await tried(place, objects, hash, path);
      if (said === undefined) return;
      why.push(`${place.text} ${said}`);
    }
  } finally {
    rmSync(path, { force: true });
  }
  throw new CampaignError(
    'CAMPAIGN_OBJECT',
    `image ${hash.slice(0, 12)} cannot be had: ${why.join('; ') || 'no place is given for it'}`,
  );
}

/** Why a place does not give an image; undefined if it did. */
async function tried(
  place: Place,
  objects: Objects,
  hash: string,
  path: string,
): Promise<string | undefined> {
  rmSync(path, { force: true });
  try {
    if (!(await place.get(hash, path))) return 'does not have it';
  } catch (error) {
    const { message, cause } = error as Error;
    return `failed: ${cause instanceof Error && cause.message !== '' ? cause.message : message}`;
  }
  if (objectHash(readFileSync(path)) !== hash) return 'has another file by its name';
  objects.putFile(path);
  return undefined;
}
