import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BUILD,
  campaignFolder,
  conductOf,
  planOfKernels,
  runResultOf,
} from '../../../test/support/campaign.js';
import { scenarios } from '../../../test/support/results.js';
import { CampaignError } from '../errors.js';
import type { PlannedKernel } from '../jobs/plan.js';
import type { CampaignFolder } from '../store/folder.js';
import type { Execute } from './child.js';
import { beginRun } from './conduct.js';

const BYTES = Buffer.from('an image');
const YAML = 'parameters: {default: [], legacy: [kvm.tdp_mmu=N]}';

/** What jobs do with the image in the folder, which somebody damages before the first of them. */
function jobsOf({ objects }: CampaignFolder, damage: (path: string) => void, throws = false) {
  const kinds: string[] = [];
  let isDamaged = false;
  const execute: Execute = async ({ job }) => {
    kinds.push(job.kind);
    if (job.kind === 'build')
      return { kind: 'result', result: { kind: 'build', image: objects.put(BYTES), label: 'k' } };
    const image = job.image as string;
    if (!isDamaged) damage(objects.path(image));
    isDamaged = true;
    if (objects.isWhole(image)) return { kind: 'result', result: runResultOf(scenarios.pass) };
    if (throws) throw new CampaignError('CAMPAIGN_OBJECT', 'it is missing');
    return { kind: 'lost', loss: 'image', text: 'it is missing', retry: false };
  };
  return { kinds, execute };
}

const remove = (path: string): void => rmSync(path);
const cut = (path: string): void => truncateSync(path, 2);

function given(folder: CampaignFolder, source: Buffer): PlannedKernel {
  const path = join(folder.path, 'bzImage');
  writeFileSync(path, source);
  return { name: 'k', from: { kind: 'image', path, sha256: folder.objects.put(BYTES) } };
}

describe('an image that the folder has no more', () => {
  it.each([
    ['missing', remove, false],
    ['damaged', cut, false],
    ['missing for the queue', remove, true],
  ] as const)('is built again: %s', async (_, damage, throws) => {
    const folder = campaignFolder();
    const { kinds, execute } = jobsOf(folder, damage, throws);

    const { table } = await beginRun(folder, planOfKernels([BUILD('k')], YAML), conductOf(execute));

    expect(table.counts()).toMatchObject({ done: 3, lost: 0 });
    expect(kinds.filter((kind) => kind === 'build')).toHaveLength(2);
  });

  it.each([
    ['is taken from its file again', BYTES, { done: 2, lost: 0 }],
    ['sets its jobs aside where its file is another now', Buffer.from('other'), { done: 0, lost: 2 }],
  ])('%s', async (_, source, expected) => {
    const folder = campaignFolder();
    const plan = planOfKernels([given(folder, source)], YAML);

    const { table } = await beginRun(folder, plan, conductOf(jobsOf(folder, remove).execute));

    expect(table.state).toBe('ended');
    expect(table.counts()).toMatchObject(expected);
  });
});
