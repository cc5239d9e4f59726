import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scenario, touch } from '../../scenario/builder.js';
import { printScenario } from '../../scenario/file/print.js';
import type { Scenario } from '../../scenario/types.js';
import { readArguments } from './scenario-arguments.js';

const folder = mkdtempSync(join(tmpdir(), 'scenario-arguments-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const KNOWN = scenario('ram/known', 'One access', {}, [touch(0n)]);
const MINE = scenario('ram/mine', 'Another access', {}, [touch(0x1000n)]);
const OTHER: Scenario = { ...KNOWN, steps: [touch(0x2000n)] };

test('files may stand among patterns; each is known by its file afterwards', async () => {
  const mine = file('mine.json', printScenario(MINE));

  const { all, patterns, argumentOf } = await readArguments(['ram/k*', mine], [KNOWN]);

  expect(all).toEqual([KNOWN, MINE]);
  expect(patterns).toEqual(['ram/k*', 'ram/mine']);
  expect([argumentOf('ram/mine'), argumentOf('ram/known')]).toEqual([mine, 'ram/known']);
});

test('a file that repeats a scenario of the catalogue stands for that one', async () => {
  const { all, patterns } = await readArguments([file('same.json', printScenario(KNOWN))], [KNOWN]);

  expect(all).toEqual([KNOWN]);
  expect(all[0]).toBe(KNOWN);
  expect(patterns).toEqual(['ram/known']);
});

test('another scenario with a name of the catalogue is refused', async () => {
  const other = file('other.json', printScenario(OTHER));

  await expect(readArguments([other], [KNOWN])).rejects.toThrow(
    `${other}: the catalogue has another ram/known: give this one a name of its own`,
  );
});

test('two files of one name are refused', async () => {
  const [a, b] = [file('a.json', printScenario(MINE)), file('b.json', printScenario(MINE))];

  await expect(readArguments([a, b], [])).rejects.toThrow(`${a} and ${b} both hold ram/mine: leave one out`);
});

test('a file that is no scenario is named', async () => {
  const bad = file('bad.json', '{}');

  await expect(readArguments([bad], [])).rejects.toThrow(`${bad}: name: it is missing`);
});
