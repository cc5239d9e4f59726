import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readWatchRecording } from './record.js';
import { isAsExpected, reportOf, type VmReport } from './report.js';
import { reportText } from './text.js';

/**
 * QEMU 7.2 of Debian 12 with 96 MiB, two vCPUs, SeaBIOS and a device with non-coherent DMA boots Linux 6.1 on Linux 6.1's kvm_intel: up to
 * the guest's power-off.
 */
const FILE = fileURLToPath(new URL('../../test/support/qemu-6.1.trace.gz', import.meta.url));
const TRACE = gunzipSync(readFileSync(FILE)).toString('latin1');

function report(policy?: string): VmReport {
  const [vm, ...more] = readWatchRecording(TRACE).watch(policy).vms;
  if (vm === undefined || more.length > 0) throw new Error('it is one VM');
  return reportOf(vm);
}

test('each leaf is as the model of its kernel says, and each zap', () => {
  const seen = report();

  expect(seen.verdict).toEqual({ right: 1060, untold: 0, wrong: 0, sentences: [] });
  expect(seen.missingZaps).toEqual([]);
  expect(isAsExpected(seen)).toBe(true);
  expect(seen.zaps.map(({ calls, leaves, us, cause }) => [calls, leaves, us, cause])).toEqual([
    [4, 292, 146827, 'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 1'],
    [6, 541, 143646, 'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0'],
    [2, 0, 85, 'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by the VMM for vCPU 1'],
    [2, 0, 84, 'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by the VMM for vCPU 0'],
    [0, 87, 0, 'a memslot goes or moves'],
    [0, 8, 0, 'KVM or the host’s memory'],
  ]);
});

test('what Linux touched with CR0.CD=1, as it wrote its MTRRs, stays as it was then', () => {
  const { stale, patIgnored } = report();

  expect(stale).toMatchObject([
    { leaves: 6, type: 'WB', ipat: true, now: { type: 'WB', ipat: false }, erratum: 's2' },
  ]);
  expect(patIgnored).toBe(1539);
});

test.each(['B-6.7', '7.2'])('the rules of %s do not explain it', (policy) => {
  expect(report(policy).verdict.wrong).toBeGreaterThan(0);
});

test('the map is cut where it is long, and no line is broken in a terminal', () => {
  const text = reportText(report(), 80);

  expect(text).toContain('0x400000   0x7fffff     4M  2M     WB, IPAT 0\n');
  expect(text).toContain('… and 2 rows more\n');
});
