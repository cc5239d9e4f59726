import { Parser } from 'tap-parser';
import { describe, expect, it } from 'vitest';
import { crashedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import type { RunResult } from '../types.js';
import { renderKselftest, renderTap } from './tap.js';

/** What a TAP parser counts, and the names that it reads. */
function read(text: string) {
  const events = Parser.parse(text, { flat: false });
  const asserts = events.flatMap(([event, detail]) => (event === 'assert' ? [detail] : []));
  const [, last] = events.find(([event]) => event === 'complete') ?? [];
  return { asserts, last };
}

describe('TAP', () => {
  it('is a test per scenario for a TAP parser, skips apart from passes', () => {
    const { asserts, last } = read(renderTap(runOf(setOf(...Object.values(scenarios)))));

    expect(asserts.map(({ ok, name, skip }) => [ok, name, skip])).toEqual([
      [true, 'mtrr/overlap-uc-over-wb', false],
      [false, 'mtrr/default-type', false],
      [true, 'vfio/attach', 'no VFIO group (bind a device to vfio-pci)'],
      [false, 'vfio/detach', false],
      [false, 'cd/toggle (repeat 2)', false],
    ]);
    expect(last).toMatchObject({ count: 5, pass: 2, fail: 3, bailout: false, ok: false });
  });

  it('is an all-pass run where all pass', () => {
    expect(read(renderTap(runOf(setOf(scenarios.pass, scenarios.skip)))).last).toMatchObject({ ok: true });
  });

  it('names the kernel where there are several, and fails for one that died', () => {
    const run = fullRun();
    const { asserts } = read(renderTap(run));
    const failed = asserts.filter(({ ok }) => !ok).map(({ name }) => name);

    expect(run.sets.length).toBeGreaterThan(1);
    expect(failed).toContain(`${run.sets[0]?.name}: mtrr/default-type`);
    expect(failed.some((name) => name.includes('the kernel stays alive'))).toBe(true);
  });

  it('fails for a run that broke off', () => {
    const incomplete = { reason: 'interrupted', text: 'interrupted by SIGINT' } as const;
    const { asserts } = read(renderTap({ ...runOf(setOf(scenarios.pass)), incomplete }));

    expect(asserts.at(-1)).toMatchObject({ ok: false, name: 'the run is complete' });
  });

  it('takes no line of a console for a result', () => {
    const text = renderTap(runOf(crashedSet()));

    expect(text).toContain('\n# console: ok 1 not a result\n');
    expect(read(text).asserts.some(({ name }) => name === 'not a result')).toBe(false);
  });
});

/** The inner TAP of each selftest, as tools/testing/selftests/kselftest/prefix.pl put it into comments. */
const inner = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('# ') && !line.startsWith('# selftests: '))
    .map((line) => line.slice(2))
    .join('\n');

describe('kselftest', () => {
  it('is a selftest whose output is TAP, with totals', () => {
    const text = renderKselftest(runOf(setOf(...Object.values(scenarios))));

    expect(text.split('\n').slice(0, 4)).toEqual([
      'TAP version 13',
      '1..1',
      '# selftests: kvm: memtype',
      '# TAP version 13',
    ]);
    expect(text).toMatch(/\nnot ok 1 selftests: kvm: memtype # exit=1\n$/);
    expect(text).toContain('\n# # Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:2\n');
    expect(read(inner(text)).last).toMatchObject({ count: 5, fail: 3 });
  });

  const ends: readonly (readonly [what: string, run: RunResult, end: RegExp])[] = [
    [
      'passes where nothing is wrong',
      runOf(setOf(scenarios.pass, scenarios.skip)),
      /\nok 1 selftests: kvm: memtype\n$/,
    ],
    [
      'is skipped where everything is',
      runOf(setOf(scenarios.skip)),
      /\nok 1 selftests: kvm: memtype # SKIP\n$/,
    ],
    ['fails where the kernel died', runOf(crashedSet()), /\nnot ok 1 selftests: kvm: memtype # exit=1\n$/],
  ];
  it.each(ends)('%s', (_, run, end) => {
    expect(renderKselftest(run)).toMatch(end);
  });

  it('is a selftest of its own for each kernel', () => {
    expect(renderKselftest(fullRun())).toMatch(/\nnot ok 1 selftests: kvm: memtype\.bzImage-6\.1 # exit=1\n/);
  });
});
