import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crashedSet, runOf, scenarios, setOf } from '../../test/support/results.js';
import { renderPretty } from './formats/pretty.js';
import type { OutputPlan } from './outputs.js';
import { createReport, wantsColor } from './report.js';
import type { RunResult } from './types.js';

function play(run: RunResult, plans: OutputPlan[]): string[] {
  const written: string[] = [];
  const options = { write: (text: string) => written.push(text), color: false, width: 80 };
  const { sets, durationMs, ...begin } = run;
  const report = createReport(plans, options, begin);
  for (const set of sets) {
    report.header(set);
    for (const scenario of set.scenarios) report.scenario(scenario);
    report.footer(set);
  }
  report.finish({ durationMs });
  return written;
}

it('streams text line by line, and in the end it is what a whole rendering is', () => {
  const run = runOf(setOf(...Object.values(scenarios)), crashedSet());

  const written = play(run, [{ format: 'pretty', file: undefined }]);

  expect(written.length).toBeGreaterThan(10);
  expect(written.join('')).toBe(renderPretty(run));
});

it('writes every other format when the run is over, to stdout or to files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  try {
    const file = join(folder, 'r.json');

    const written = play(runOf(setOf(scenarios.pass)), [
      { format: 'ktap', file: undefined },
      { format: 'json', file },
    ]);

    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^KTAP version 1\n/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schema: 'kvm-memtype/result',
      version: 1,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('refuses before the run what it could not write after it', () => {
  const plans: OutputPlan[] = [{ format: 'json', file: '/nonexistent/r.json' }];

  expect(() => createReport(plans, { write: () => {}, color: false, width: 80 }, runOf())).toThrow(
    'its folder does not exist',
  );
});

it.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
])('with %o on a terminal: %s, colours: %s', (env, isTTY, colours) => {
  expect(wantsColor({ isTTY }, env)).toBe(colours);
});
