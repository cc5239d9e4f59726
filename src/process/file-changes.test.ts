import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { filesChange, stampFiles } from './file-changes.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'changes-'));
  file = join(dir, 'image');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(dir, { recursive: true }));

const within = (ms: number): AbortSignal => AbortSignal.timeout(ms);

/** Each row: what happens to the file. */
it.each<[string, () => void]>([
  ['is written', () => writeFileSync(file, 'two')],
  ['grows', () => appendFileSync(file, 'two')],
  ['goes', () => rmSync(file)],
  [
    'is replaced by one of the same size, by its name',
    () => {
      writeFileSync(join(dir, 'new'), 'two');
      renameSync(join(dir, 'new'), file);
    },
  ],
])('sees that a file %s, also through a link', async (_, change) => {
  symlinkSync(file, join(dir, 'link'));
  for (const path of [file, join(dir, 'link')]) {
    writeFileSync(file, 'one');
    const before = await stampFiles([path]);
    change();
    expect(await stampFiles([path])).not.toBe(before);
  }
});

it('waits for a file that comes, in a folder that comes', async () => {
  const path = join(dir, 'folder/new');
  const change = filesChange([path], await stampFiles([path]), within(20_000));
  mkdirSync(join(dir, 'folder'));
  writeFileSync(path, '');

  await expect(change).resolves.toBeUndefined();
});

it('watches the files of a folder', async () => {
  const before = await stampFiles([dir]);
  writeFileSync(join(dir, 'other.json'), '{}');

  expect(await stampFiles([dir])).not.toBe(before);
});

it('lets a file be written to its end: one answer for many changes', async () => {
  const before = await stampFiles([file]);
  const change = filesChange([file], before, within(30_000));
  let isOver = false;
  change.then(
    () => {
      isOver = true;
    },
    () => {},
  );
  for (let i = 0; i < 6; i++) {
    appendFileSync(file, 'more');
    await sleep(250);
    expect(isOver).toBe(false);
  }

  await change;
});

it('ends at once when it is told to', async () => {
  const controller = new AbortController();
  const change = filesChange([file], await stampFiles([file]), controller.signal);
  controller.abort();

  await expect(change).rejects.toThrow(/abort/i);
});
