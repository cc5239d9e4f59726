import { Parser } from 'tap-parser';
import { describe, expect, it } from 'vitest';
import { parseKtap } from '../../../test/support/ktap.js';
import { crashedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import { renderKtap } from './ktap.js';

describe('the KTAP checker', () => {
  const bad = [
    ['no version', '1..1\nok 1 a\n'],
    ['no plan', 'KTAP version 1\nok 1 a\n'],
    ['too few results', 'KTAP version 1\n1..2\nok 1 a\n'],
    ['too many results', 'KTAP version 1\n1..1\nok 1 a\nok 2 b\n'],
    ['wrong number', 'KTAP version 1\n1..1\nok 2 a\n'],
    ['unknown line', 'KTAP version 1\n1..1\nhello\nok 1 a\n'],
    ['wrong indentation', 'KTAP version 1\n1..1\n    KTAP version 1\n    1..1\n    ok 1 b\nok 1 a\n'],
    ['subtest without version', 'KTAP version 1\n1..1\n  1..1\n  ok 1 b\nok 1 a\n'],
    [
      'parent passes, subtest fails',
      'KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 b\nok 1 a\n',
    ],
    ['timeout that passes', 'KTAP version 1\n1..1\nok 1 a # TIMEOUT 3 s\n'],
    ['no line end', 'KTAP version 1\n1..1\nok 1 a'],
  ] as const;
  it.each(bad)('refuses %s', (_, text) => {
    expect(() => parseKtap(text)).toThrow();
  });

  it('reads what the specification shows', () => {
    const text =
      'KTAP version 1\n1..2\n  KTAP version 1\n  1..1\n  # why\n  not ok 1 b\nnot ok 1 a\nok 2 c # SKIP no d\n';

    const tests = parseKtap(text);

    expect(tests.map(({ ok, name, directive, note }) => [ok, name, directive, note])).toEqual([
      [false, 'a', undefined, ''],
      [true, 'c', 'SKIP', 'no d'],
    ]);
    expect(tests[0]?.subtests.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('renderKtap', () => {
  it('gives each status its result and directive', () => {
    const [set] = parseKtap(renderKtap(runOf(setOf(...Object.values(scenarios)))));

    const seen = set?.subtests.flatMap((family) =>
      family.subtests.map(({ ok, name, directive }) => [name, ok, directive]),
    );

    expect(seen).toEqual([
      ['mtrr/overlap-uc-over-wb', true, undefined],
      ['mtrr/default-type', false, undefined],
      ['vfio/attach', true, 'SKIP'],
      ['vfio/detach', false, 'ERROR'],
      ['cd/toggle (repeat 2)', false, 'TIMEOUT'],
    ]);
  });

  it('is valid with everything in it, and with nothing', () => {
    expect(parseKtap(renderKtap(fullRun())).map(({ ok }) => ok)).toEqual([false, true, false]);
    expect(parseKtap(renderKtap(runOf()))).toEqual([]);
    expect(parseKtap(renderKtap(runOf(setOf())))).toMatchObject([{ ok: true, directive: 'SKIP' }]);
  });

  it('says how many leaves were checked, why one was skipped, and what a failure was', () => {
    const text = renderKtap(runOf(setOf(scenarios.pass, scenarios.fail, scenarios.skip)));

    expect(text).toContain('    # 12 leaves, 1 zap; erratum D1\n    ok 1 mtrr/overlap-uc-over-wb\n');
    expect(text).toContain('\n# erratum D1 (4.2 to 6.10): UC loses to WB at the higher base\n');
    expect(text).toContain('    ok 1 vfio/attach # SKIP no VFIO group (bind a device to vfio-pci)\n');
    expect(text).toContain('    # leaf (vCPU 1, gfn 0xc00): expected UC, IPAT=0; seen WB, IPAT=1\n');
  });

  it('names what each list of subtests is of', () => {
    const text = renderKtap(runOf(setOf(scenarios.pass)));

    expect(text).toContain('  KTAP version 1\n  # Subtest: bzImage-6.1\n  1..1\n');
    expect(text).toContain('    KTAP version 1\n    # Subtest: mtrr\n    1..1\n');
  });

  it('fails the set of a kernel that died, with its console as diagnosis only', () => {
    const text = renderKtap(runOf(crashedSet()));

    const [set] = parseKtap(text);
    expect(set).toMatchObject({ ok: false });
    expect(set?.subtests.at(-1)).toMatchObject({
      ok: false,
      directive: 'ERROR',
      note: 'panic: Kernel panic - not syncing: PF',
    });
    expect(text).toContain('\n  # console: ok 1 not a result\n');
  });

  it('is read alike by a TAP parser', () => {
    const points = Parser.parse(renderKtap(fullRun()), { flat: false }).filter(
      ([event]) => event === 'assert',
    );

    expect(points).toHaveLength(3);
  });
});
