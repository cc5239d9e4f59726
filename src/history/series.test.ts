import { describe, expect, it } from 'vitest';
import { scenarios, setOf } from '../../test/support/results.js';
import { compare } from '../compare/compare.js';
import { type Side, sidesOfResult } from '../compare/side.js';
import type { ResultSet } from '../report/types.js';
import { isBadRow, type SeriesRow, testedBy } from './series.js';
import { renderSeries } from './series-text.js';

const side = (name: string, set: ResultSet): Side => {
  const [one] = sidesOfResult({
    tool: { name: 'kvm-memtype', version: '1' },
    startedAt: '2026-01-01T00:00:00.000Z',
    durationMs: 1,
    sets: [{ ...set, name }],
  });
  return one as Side;
};

const good = setOf(scenarios.pass);
const bad = setOf({ ...scenarios.fail, family: 'mtrr', name: scenarios.pass.name });
const TESTER = { name: 'A <a@b>', version: '1' };

/** The base, and patches upon it: a set that ran, or why there is none. */
function rows(...patches: (ResultSet | 'not built')[]): SeriesRow[] {
  let before = side('base', good);
  const first: SeriesRow = { subject: 'base', outcome: { kind: 'ran', side: before, warnings: [] } };
  const others = patches.map((set, i): SeriesRow => {
    const subject = `KVM: patch ${i + 1} \u001b[31m`;
    if (set === 'not built') return { subject, outcome: { kind: set, text: 'x.c:1: error' } };
    const now = side(`${i + 1}/${patches.length}`, set);
    const comparison = compare(before, now);
    before = now;
    return { subject, outcome: { kind: 'ran', side: now, comparison, warnings: [] } };
  });
  return [first, ...others];
}

const text = (all: SeriesRow[]): string => renderSeries(all, TESTER, { all: false, width: 80 });

describe('a series', () => {
  it('all of which is good ends with a tag for a reply', () => {
    const all = rows(good, good);

    expect(all.some(isBadRow)).toBe(false);
    expect(text(all)).toMatch(/^2\/2 +yes +yes +A +1 +0 +0 +0 +0$/m);
    expect(text(all)).toContain(
      '---\nTested-by: A <a@b>\n# kvm-memtype 1, Linux 6.1.192 with each patch on bochs:',
    );
    expect(text(all)).toMatch(/# 1 scenario passed, 0 skipped; 12 leaves and 1 zap checked with the last\n$/);
  });

  it('names the patch that makes something fail, and not those after it', () => {
    const all = rows(good, bad, bad);

    expect(all.map(isBadRow)).toEqual([false, false, true, false]);
    expect(text(all)).toMatch(/2\/3 is worse than 1\/3/);
    expect(text(all)).toMatch(/no Tested-by: see patch 2\/3\n$/);
  });

  it('goes on behind a patch that does not build, and holds the next against what ran last', () => {
    const all = rows('not built', good);

    expect(text(all)).toMatch(/^1\/2 +NO +- /m);
    expect(text(all)).toContain('x.c:1: error');
    expect(all.map(isBadRow)).toEqual([false, true, false]);
    expect(testedBy(all, TESTER)).toBe('no Tested-by: see patch 1/2');
  });

  it('lets nothing of a subject act on a terminal', () => {
    expect(text(rows(good))).toContain('KVM: patch 1 \\x1b[31m');
  });

  it('says of what failed before the series that it did', () => {
    const [base] = rows();
    const both = setOf(scenarios.pass, scenarios.fail);
    const [first, now] = [side('base', both), side('1/1', both)];
    const all: SeriesRow[] = [
      { ...(base as SeriesRow), outcome: { kind: 'ran', side: first, warnings: [] } },
      { subject: 'x', outcome: { kind: 'ran', side: now, warnings: [], comparison: compare(first, now) } },
    ];
    expect(testedBy(all, TESTER)).toContain('1 scenario passed, 1 failed as before the series');
  });
});
