import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SavedRun } from '../../report/html/page.js';
import { sentenceOf, UsageError } from '../errors.js';
import { log } from '../terminal/log.js';
import { readResults } from './judged.js';

/** What results may be called: JSON, journals, recordings and what runs that were killed leave of these. */
const NAMES = /\.(?:json|jsonl|kmr|kmr\.partial)$/;

/**
 * All results in a folder; a file that holds none is told of and left out. Of one run that is there as results and as a recording, the recording
 * counts, as it tells more.
 * @throws UsageError if there are none
 */
export async function readFolder(folder: string): Promise<SavedRun[]> {
  const found = new Map<string, SavedRun>();
  for (const name of readdirSync(folder)
    .filter((file) => NAMES.test(file))
    .sort()) {
    try {
      const saved = await readResults(join(folder, name));
      const { startedAt, sets } = saved.run;
      const key = JSON.stringify([startedAt, sets.map((set) => set.name)]);
      const known = found.get(key);
      if (known === undefined || known.timelines.size < saved.timelines.size) found.set(key, saved);
    } catch (error) {
      log().warn(`left out: ${sentenceOf(error)}`);
    }
  }
  if (found.size === 0)
    throw new UsageError(`${folder} holds no results: JSON, journals or recordings are needed`);
  return [...found.values()];
}
