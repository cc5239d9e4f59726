import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtEmulator } from './built.js';

const KEY = '0123456789abcdef';
const usual = process.env.XDG_CACHE_HOME;
let cache: string;
let emulators: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'emulator-'));
  process.env.XDG_CACHE_HOME = cache;
  emulators = join(cache, 'kvm-memtype/emulators');
  mkdirSync(join(emulators, KEY), { recursive: true });
  for (const name of ['bochs', '.complete']) writeFileSync(join(emulators, KEY, name), 'x');
  writeFileSync(join(emulators, 'current'), `${KEY}\n`);
});
afterEach(() => {
  if (usual === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = usual;
  rmSync(cache, { recursive: true });
});

test('the emulator that was built last is used, unless told not to', () => {
  expect(builtEmulator({})).toBe(join(emulators, KEY, 'bochs'));
  expect(builtEmulator({ KVM_MEMTYPE_EMULATOR: 'packaged' })).toBeUndefined();
});

test.each<[string, () => void]>([
  ['was never built', () => rmSync(join(emulators, 'current'))],
  ['is half built', () => rmSync(join(emulators, KEY, '.complete'))],
  ['lies elsewhere', () => writeFileSync(join(emulators, 'current'), '../../elsewhere')],
])('one that %s is not used', (_, spoil) => {
  spoil();

  expect(builtEmulator({})).toBeUndefined();
});
