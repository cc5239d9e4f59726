import { describe, expect, it } from 'vitest';
import { htmlRun } from '../../../test/support/html-run.js';
import { crashedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import { renderHtml } from './page.js';

const pageOf = (...runs: ReturnType<typeof runOf>[]): string =>
  renderHtml(runs.map((run) => ({ run, timelines: new Map() })));

describe('the HTML report', () => {
  it('holds the whole catalogue on seven kernels that all differ, in less than 2 MB', () => {
    const eras = ['A', 'B', 'D-6.13', 'E-6.12', 'E', 'A+P2', 'E+P5-memslot'];
    const page = renderHtml([htmlRun(eras.map((era) => [`kernel of ${era}`, era]))]);

    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
    expect(Number(/Steps are cut to (\d+)/.exec(page)?.[1] ?? 24)).toBeGreaterThanOrEqual(8);
    expect(page.match(/<figure/g)?.length).toBeGreaterThan(100);
  });

  it('escapes what kernels, guests and files said', () => {
    const evil = '<script>alert(1)</script>\u001b[2J"\'&\u202e';
    const result = { ...scenarios.error, error: evil, name: evil };
    const set = { ...setOf(result), name: evil };
    const page = pageOf(runOf(set, crashedSet()));

    expect(page.match(/<script/g)).toHaveLength(1);
    const shown = '&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J&quot;&#39;&amp;\\u202e';
    expect(page.includes(shown)).toBe(true);
    for (const sign of ['\u0000', '\u001b', '\u202e']) expect(page.includes(sign)).toBe(false);
  });

  it('has every status, failure, reason, crash and erratum', () => {
    const page = pageOf(fullRun());
    for (const part of [
      'UC, IPAT=0',
      'WB, IPAT=1',
      'vmx_get_mt_mask(), 4.2 to 6.10',
      'gfn 0xc00',
      'no VFIO group',
      'bind a device to vfio-pci',
      'nothing was observed',
      'the guest did not end in 5 s',
      'Met erratum D1',
      'the kernel died (panic',
    ])
      expect(page.includes(part), part).toBe(true);
  });

  it('takes the newest results of each kernel, and tells what changed', () => {
    const first = { ...runOf(setOf(scenarios.pass)), startedAt: '2026-01-01T00:00:00.000Z' };
    const later = runOf(setOf({ ...scenarios.pass, status: 'fail' }));
    const page = pageOf(later, first);

    expect(page.includes('mtrr/overlap-uc-over-wb: pass → fail')).toBe(true);
    expect(page.includes('1 scenario on 1 kernel')).toBe(true);
  });

  it('is the same each time', () => {
    expect(pageOf(fullRun())).toBe(pageOf(fullRun()));
  });
});
