import { describe, expect, it } from 'vitest';
import {
  campaignFolder,
  conductOf,
  IMAGE,
  planOfKernels,
  stoppedBy,
} from '../../../test/support/campaign.js';
import type { Table } from '../jobs/table.js';
import type { CampaignFolder } from '../store/folder.js';
import { cancelRun, type StopQueued } from './cancel.js';
import { beginRun } from './conduct.js';

const QUEUE = 'redis://queue:6379';

/** A run that its process left, with what it had in a queue. */
async function left(queue?: string): Promise<CampaignFolder> {
  const folder = campaignFolder();
  const stop = new AbortController();
  const execute = stoppedBy(stop);
  await beginRun(folder, planOfKernels([IMAGE('a', '1')]), {
    ...conductOf(execute, stop.signal),
    executor: async () => ({ execute, ...(queue !== undefined && { queue }) }),
  });
  return folder;
}

const stateOf = (folder: CampaignFolder): string => folder.last().table.state;

describe('a run whose process is gone', () => {
  it('is cancelled without a queue, if it had none', async () => {
    const folder = await left();

    await cancelRun(folder);

    expect(stateOf(folder)).toBe('cancelled');
    await expect(cancelRun(folder)).rejects.toThrow('is over already');
  });

  it.each<[string, StopQueued | undefined, RegExp]>([
    ['is not named', undefined, /run 1 in .* has jobs in the queue at redis:\/\/queue:6379/],
    ['does not answer', () => Promise.reject(new Error('no Redis answers')), /no Redis answers/],
  ])('is not cancelled where its queue %s, and is once it is', async (_, stop, why) => {
    const folder = await left(QUEUE);
    const stopped: Table[] = [];

    await expect(cancelRun(folder, stop)).rejects.toThrow(why);
    expect(stateOf(folder)).toBe('open');
    await cancelRun(folder, async (table) => void stopped.push(table));

    expect(stateOf(folder)).toBe('cancelled');
    expect(stopped.map(({ startedAt }) => startedAt)).toEqual([folder.last().table.startedAt]);
  });

  it('is told of in its queue again where it is cancelled already', async () => {
    const folder = await left(QUEUE);
    let told = 0;
    const stop: StopQueued = async () => void told++;

    await cancelRun(folder, stop);
    await cancelRun(folder, stop);

    expect(told).toBe(2);
    await expect(cancelRun(folder)).rejects.toThrow('is over already');
  });
});
