import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepTimes, lastTimes } from './last-times.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'times-'));
  vi.stubEnv('XDG_CACHE_HOME', dir);
  file = join(dir, 'kvm-memtype/times.json');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

const TIMES = { startMs: 4_000, scenarios: { 'ram/a': 10, 'ram/b': 20 } };

it('keeps the times of each engine, and those of scenarios that were not run again', () => {
  expect(lastTimes('bochs')).toBeUndefined();
  keepTimes('bochs', TIMES);
  keepTimes('host', { startMs: 1, scenarios: { 'ram/a': 2 } });
  keepTimes('bochs', { startMs: 5_000, scenarios: { 'ram/b': 30 } });

  expect(lastTimes('bochs')).toEqual({ startMs: 5_000, scenarios: { 'ram/a': 10, 'ram/b': 30 } });
  expect(lastTimes('host')).toEqual({ startMs: 1, scenarios: { 'ram/a': 2 } });
  expect(lastTimes('qemu-tcg')).toBeUndefined();
});

it('keeps no more than it reads', () => {
  for (let round = 0; round < 4; round++)
    keepTimes('bochs', {
      startMs: 1,
      scenarios: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`ram/${round}-${i}`, 1])),
    });

  const { scenarios = {} } = lastTimes('bochs') ?? {};
  expect(Object.keys(scenarios)).toHaveLength(2_000);
  expect([scenarios['ram/0-0'], scenarios['ram/3-899']]).toEqual([undefined, 1]);
  expect(statSync(file).size).toBeLessThan(1 << 20);
});

it.each([
  ['nothing', ''],
  ['half a file', '{"version":1,"engi'],
  ['another version', '{"version":2,"engines":{}}'],
  ['an engine that is none', '{"version":1,"engines":{"x":{"startMs":1,"scenarios":{}}}}'],
  ['a time below 0', '{"version":1,"engines":{"bochs":{"startMs":-1,"scenarios":{}}}}'],
  ['a time that is none', '{"version":1,"engines":{"bochs":{"startMs":1,"scenarios":{"a":"b"}}}}'],
  ['too much', `{"version":1,"engines":{}}${' '.repeat(1 << 20)}`],
])('%s is as if it were not there, and is replaced', (_, text) => {
  mkdirSync(join(dir, 'kvm-memtype'));
  writeFileSync(file, text);

  expect(lastTimes('bochs')).toBeUndefined();
  keepTimes('bochs', TIMES);
  expect(lastTimes('bochs')).toEqual(TIMES);
});

it('goes on where there can be no cache', () => {
  writeFileSync(join(dir, 'kvm-memtype'), 'a file');

  keepTimes('bochs', TIMES);

  expect(lastTimes('bochs')).toBeUndefined();
  expect(readFileSync(join(dir, 'kvm-memtype'), 'utf8')).toBe('a file');
});
