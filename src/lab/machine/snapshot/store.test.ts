import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SnapshotError } from './errors.js';
import { find, keep, makeRoom, newPlace } from './store.js';

const KEYS = ['0000000000000001', '0000000000000002', '0000000000000003'] as const;
let cache: string;
const usual = process.env.XDG_CACHE_HOME;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'store-'));
  process.env.XDG_CACHE_HOME = cache;
});
afterEach(() => {
  if (usual === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = usual;
  rmSync(cache, { recursive: true });
});

const snapshots = (): string => join(cache, 'kvm-memtype/snapshots');

async function save(key: string, ram = 'RAM'): Promise<void> {
  const place = await newPlace();
  writeFileSync(join(place, 'ram'), ram);
  writeFileSync(join(place, 'config'), 'text');
  await keep(place, key, 4096);
}

test('what was kept is found, and nothing else', async () => {
  await save(KEYS[0]);

  expect(await find(KEYS[0])).toEqual({ dir: join(snapshots(), KEYS[0]), jobOffset: 4096 });
  expect(await find(KEYS[1])).toBeUndefined();
});

test('of two that are saved at once, one is kept', async () => {
  await save(KEYS[0]);
  await save(KEYS[0], 'another');

  expect(readdirSync(snapshots())).toEqual([KEYS[0]]);
  expect(await find(KEYS[0])).toBeDefined();
});

const ram = (): string => join(snapshots(), KEYS[0], 'ram');

test.each<[string, () => void]>([
  ['cut short', () => truncateSync(ram(), 2)],
  ['changed', () => writeFileSync(ram(), 'RAN')],
  ['gone', () => rmSync(ram())],
  ['described by garbage', () => writeFileSync(join(snapshots(), KEYS[0], 'manifest.json'), '{')],
])('one that is %s is refused, and removed', async (_, spoil) => {
  await save(KEYS[0]);
  spoil();

  await expect(find(KEYS[0])).rejects.toThrow(SnapshotError);
  expect(existsSync(join(snapshots(), KEYS[0]))).toBe(false);
  expect(await find(KEYS[0])).toBeUndefined();
});

test('what was not used for the longest time goes first, and the latest stays', async () => {
  for (const key of KEYS) await save(key, 'x'.repeat(100_000));
  const age = (key: string, seconds: number): void =>
    utimesSync(join(snapshots(), key, 'manifest.json'), seconds, seconds);
  age(KEYS[0], 30);
  age(KEYS[1], 20);
  age(KEYS[2], 10);

  await makeRoom(KEYS[2], 250_000);

  expect(readdirSync(snapshots()).sort()).toEqual([KEYS[0], KEYS[2]]);

  await makeRoom(KEYS[2], 0);

  expect(readdirSync(snapshots())).toEqual([KEYS[2]]);
});
