import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseCampaign } from '../../../campaign/file/read.js';
import type { CampaignFile } from '../../../campaign/file/schema.js';
import { CampaignFolder } from '../../../campaign/store/folder.js';
import { catalogue } from '../../../catalogue/index.js';
import { readInput } from '../../../process/read-file.js';
import { selectScenarios } from '../../../session/select.js';
import { sentenceOf, UsageError } from '../../errors.js';
import { toolInfo } from '../../program/provenance.js';

const LIMIT = { limit: 1 << 20, why: 'the most for a campaign' };

/** Version and revision of this program: part of what a job is. */
export function toolText(): string {
  const { version, revision } = toolInfo();
  return revision === undefined ? version : `${version} ${revision}`;
}

/** Where the results of a campaign's file go, if nothing else is said. */
const folderOf = (file: string): string => `${file.replace(/\.ya?ml$/, '')}.campaign`;

/** The folder of a campaign that has begun: given itself, or by the file that it is of. */
export function openFolder(given: string): CampaignFolder {
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory() === true;
  const path = isFolder ? given : folderOf(given);
  if (existsSync(path)) return new CampaignFolder(path);
  throw new UsageError(`there is no campaign in ${path}: campaign run makes one`);
}

/** The folder that a campaign of this file is to have. */
export function makeFolder(file: string, given: string | undefined): CampaignFolder {
  const path = given ?? folderOf(file);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new UsageError(`cannot make ${path}: ${sentenceOf(error)}`);
  }
  return new CampaignFolder(path);
}

/** Where its results are, if it has any by now. */
export const findFolder = (file: string, given: string | undefined): CampaignFolder =>
  new CampaignFolder(given ?? folderOf(file));

/**
 * Read a campaign's file.
 * @throws CampaignError, InputFileError, SelectError: one sentence
 */
export async function readCampaign(file: string): Promise<{ campaign: CampaignFile; folder: string }> {
  const text = (await readInput(file, LIMIT)).toString();
  try {
    const campaign = parseCampaign(text);
    // A pattern that fits nothing is told now, not by every job.
    if (typeof campaign.scenarios !== 'string') selectScenarios(catalogue, campaign.scenarios);
    return { campaign, folder: dirname(resolve(file)) };
  } catch (error) {
    throw new UsageError(`${file}: ${sentenceOf(error)}`);
  }
}
