import { readdirSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { campaignFolder, IMAGE, planOfKernels } from '../../../test/support/campaign.js';
import { JournalWriter } from './journal.js';
import type { CampaignRecord } from './records.js';

vi.mock('node:fs', async (original) => {
  const own = await original<typeof import('node:fs')>();
  return { ...own, writeSync: vi.fn(own.writeSync) };
});

const { writeSync: realWrite } = await vi.importActual<typeof import('node:fs')>('node:fs');
const PLAN = planOfKernels([IMAGE('a', '1')]);
const END: CampaignRecord = { type: 'end', at: 1 };

/** A disk that has room for so many bytes more. As Linux has it, a call writes what fits, and only the next one fails. */
function fillDisk(room: number): void {
  let left = room;
  const write = (fd: number, bytes: Uint8Array, at: number): number => {
    const part = bytes.subarray(at, at + left);
    if (part.length === 0) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    left -= part.length;
    return realWrite(fd, part);
  };
  vi.mocked(writeSync).mockImplementation(write as typeof writeSync);
}
const freeDisk = (): void => void vi.mocked(writeSync).mockImplementation(realWrite as typeof writeSync);
afterEach(freeDisk);

describe('a journal on a disk that is full', () => {
  it('holds nothing of a record that was not written whole', () => {
    const folder = campaignFolder();
    const writer = new JournalWriter(folder.journal(folder.add(PLAN)));
    fillDisk(10);

    expect(() => writer.write(END)).toThrow(/0001\.jsonl cannot be written: the disk is full/);

    freeDisk();
    writer.write(END);
    writer.close();
    expect(folder.last().table.state).toBe('ended');
  });

  it.each([0, 100])('is not there without its first record: room for %i bytes', (room) => {
    const folder = campaignFolder();
    fillDisk(room);

    expect(() => folder.add(PLAN)).toThrow(/the disk is full/);

    freeDisk();
    expect(folder.numbers()).toEqual([]);
    expect(readdirSync(dirname(folder.journal(1)))).toEqual([]);
    expect(folder.add(PLAN)).toBe(1);
    expect(folder.last().table.state).toBe('open');
  });
});

describe('an object that was damaged', () => {
  const BYTES = Buffer.from('an image');

  it.each(['put', 'putFile'] as const)('is replaced by %s', (how) => {
    const { objects, path } = campaignFolder();
    const hash = objects.put(BYTES);
    const file = join(path, 'image');
    writeFileSync(file, BYTES);
    truncateSync(objects.path(hash), 3);

    const again = how === 'put' ? objects.put(BYTES) : objects.putFile(file);

    expect(again).toBe(hash);
    expect(readFileSync(objects.path(hash))).toEqual(BYTES);
  });
});
