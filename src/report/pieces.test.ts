import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runOf, scenarios, setOf } from '../../test/support/results.js';
import type { Format } from './outputs.js';
import { RENDER, writeFormat } from './report.js';
import type { RunResult } from './types.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pieces-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As a campaign with very many seeds has it: two sets of so many scenarios. */
function largeRun(count: number): RunResult {
  const many = Array.from({ length: count }, (_, i) => ({ ...scenarios.pass, name: `seed-${i}` }));
  return runOf(setOf(...many, scenarios.fail), { ...setOf(...many), name: 'another' });
}

/** What is written to the screen, piece by piece. */
function piecesOf(run: RunResult, format: Format): string[] {
  const pieces: string[] = [];
  writeFormat(run, { format, file: undefined }, (text) => pieces.push(text));
  return pieces;
}

it.each<Format>(['junit', 'json', 'kcidb'])(
  '%s is written in pieces, none of which grows with the results',
  (format) => {
    const run = largeRun(8000);
    const file = join(folder, 'report');

    const pieces = piecesOf(run, format);
    writeFormat(run, { format, file }, () => expect.unreachable());

    const whole = RENDER[format](run);
    expect(pieces.join('') === whole).toBe(true);
    expect(readFileSync(file, 'utf8') === whole).toBe(true);
    const longest = Math.max(...pieces.map(({ length }) => length));
    const more = Math.max(...piecesOf(largeRun(16_000), format).map(({ length }) => length));
    expect(pieces.length).toBeGreaterThan(1);
    expect(more).toBeLessThan(longest * 1.5);
  },
);
