import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { reproducersSay } from '../support/repro-lab.js';

const folder = mkdtempSync(join(tmpdir(), 'repro-'));
let kernel: string;

beforeAll(async () => {
  kernel = (await buildKernel({ source: 'debian:6.1' })).bzImage;
});
afterAll(() => rmSync(folder, { recursive: true }));

// test/builds/repro.test.ts has one of each family, and a broken kernel.
test('reproducers pass on the kernel that they are for', async () => {
  const names = ['mtrr/default-type', 'pat/write-no-zap'];

  const said = await reproducersSay(names, { kernel, policy: '6.1', folder });

  expect([...said]).toEqual(names.map((name) => [name, { status: 'pass' }]));
});

test('one for rules of another kernel fails, at the first page that has another type', async () => {
  const said = await reproducersSay(['mtrr/default-type'], { kernel, policy: '7.2', folder });

  expect(said.get('mtrr/default-type')).toEqual({ status: 'fail', step: 4 });
});
