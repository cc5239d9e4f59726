import { expect, it } from 'vitest';
import { crashedSet, runOf, scenarios, setOf } from '../../../test/support/results.js';
import type { ScenarioResult } from '../types.js';
import { prettyWriter, renderPretty } from './pretty.js';

it('shows a line per scenario with what was checked, failures in full, and a summary', () => {
  const { pass, fail, skip } = scenarios;

  const text = renderPretty(runOf(setOf(pass, fail, skip)));

  expect(text).toBe(
    [
      'bzImage-6.1: Linux 6.1.192 on bochs, policy A (found by probing)',
      '  pass mtrr/overlap-uc-over-wb    12 leaves, 1 zap; erratum D1; 0.1 s',
      '  FAIL mtrr/default-type          2 leaves; 0.1 s',
      '        step 3: read gpa 0xc00000 # through PAT 0 & <mapped>',
      '        leaf (vCPU 1, gfn 0xc00): expected UC, IPAT=0; seen WB, IPAT=1',
      '        because: vmx_get_mt_mask(), 4.2 to 6.10',
      "        again: npx kvm-memtype run 'mtrr/default-type'",
      '  skip vfio/attach: no VFIO group',
      '        to run it: bind a device to vfio-pci',
      '  erratum D1 (4.2 to 6.10): UC loses to WB at the higher base',
      '',
      '  policy     the rules by which a kernel chooses memory types: known eras and',
      '             proposals have names',
      '  leaf       the page-table entry (EPT) by which KVM maps a guest page; it holds',
      '             the memory type',
      '  zap        a leaf that KVM takes away, to make it anew with another type',
      '  erratum    a known departure of a kernel from the SDM or from its own rules;',
      '             expected, so no failure',
      '',
      '1 passed, 1 failed, 1 skipped; checked 14 leaves, 1 zap; 9.5 s',
      '',
    ].join('\n'),
  );
});

it('lets no control sequence of a guest or kernel through', () => {
  const text = renderPretty(runOf(crashedSet()));

  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  expect(text).toContain('panic: Kernel panic');
  expect(text).toContain('1 passed, the kernel died;');
});

it('colours only when asked to', () => {
  expect(prettyWriter({ color: false, width: 80 }).scenario(scenarios.fail)).not.toContain('\u001b');
  expect(prettyWriter({ color: true, width: 80 }).scenario(scenarios.fail)).toContain('\u001b[31mFAIL');
});

const skipped = (family: string, n: number, reason: string): ScenarioResult[] =>
  Array.from({ length: n }, (_, i) => ({
    ...scenarios.skip,
    family,
    name: `scenario-${i}`,
    skip: { reason, lift: 'run on an Intel host with kvm_intel.ept=Y, or in the lab with --kernel' },
  }));

it('tells a reason once, whoever it kept from running, with the names where they are few', () => {
  const text = renderPretty(
    runOf(
      setOf(
        ...skipped('mtrr', 70, 'there are no EPT leaves'),
        ...skipped('pat', 6, 'there are no EPT leaves'),
        ...skipped('dma', 2, 'no device'),
      ),
    ),
  );

  expect(text).toContain(
    [
      '  skip 76: there are no EPT leaves',
      '        mtrr (70), pat (6)',
      '        to run them: run on an Intel host with kvm_intel.ept=Y, or in the lab',
      '        with --kernel',
      '  skip 2: no device',
      '        dma/scenario-0, dma/scenario-1',
    ].join('\n'),
  );
});

it.each([40, 80, 132])('keeps to %i columns but for what is to be copied, in full', (width) => {
  const failure = {
    ...scenarios.fail,
    failures: scenarios.fail.failures.map((f) => ({ ...f, rerun: 'x'.repeat(200) })),
  };
  const run = runOf(
    setOf(...Object.values(scenarios), failure, ...skipped('mtrr', 30, 'a reason '.repeat(20))),
    crashedSet(),
  );

  const lines = renderPretty(run, { width }).split('\n');

  expect(lines.filter((line) => line.length > width && !line.startsWith('        again: '))).toEqual([]);
  expect(lines).toContain(`        again: ${'x'.repeat(200)}`);
});
