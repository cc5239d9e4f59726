import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LAYOUT } from './layout.js';

test('the layout table equals guests/probe.h', () => {
  const header = readFileSync(new URL('../../guests/probe.h', import.meta.url), 'utf8');

  const defines = [...header.matchAll(/^#define (PROBE_\w+) (\w+)$/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]);

  expect(Object.fromEntries(defines)).toEqual(LAYOUT);
});
