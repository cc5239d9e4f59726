import { expect, it } from 'vitest';
import { crashedSet, runOf, scenarios, setOf } from '../../test/support/results.js';
import { prettyWriter, renderPretty } from './pretty.js';

it('shows a line per scenario with what was checked, failures in full, and a summary', () => {
  const { pass, fail, skip } = scenarios;

  const text = renderPretty(runOf(setOf(pass, fail, skip)));

  expect(text).toBe(
    [
      'bzImage-6.1: Linux 6.1.192 on bochs, policy A (found by probing)',
      '  pass mtrr/overlap-uc-over-wb                  12 leaves, 1 zap; erratum D1; 0.1 s',
      '  FAIL mtrr/default-type                        2 leaves; 0.1 s',
      '        step 3: read gpa 0xc00000 # through PAT 0 & <mapped>',
      '        leaf (vCPU 1, gfn 0xc00): expected UC, IPAT=0; seen WB, IPAT=1',
      '        because: vmx_get_mt_mask(), 4.2 to 6.10',
      "        again: npx kvm-memtype run 'mtrr/default-type'",
      '  skip vfio/attach                              no VFIO group',
      '  erratum D1 (4.2 to 6.10): UC loses to WB at the higher base',
      '  to run the one skipped: bind a device to vfio-pci',
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
  expect(prettyWriter(false).scenario(scenarios.fail)).not.toContain('\u001b');
  expect(prettyWriter(true).scenario(scenarios.fail)).toContain('\u001b[31mFAIL');
});
