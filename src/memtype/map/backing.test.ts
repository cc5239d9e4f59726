import { describe, expect, it } from 'vitest';
import { BACKING_NAMES, type BackingName, hostMmioOf } from './backing.js';

const NOW = { nopat: false, before416: false };

describe('hostMmioOf', () => {
  // kvm_is_mmio_pfn(): 5.10.262, 6.1.192, 6.12.118 and 7.2.13 as read; before 4.16 without the question for the host's type.
  it.each<[BackingName, now: boolean, nopat: boolean, before416: boolean]>([
    ['ram', false, false, false],
    ['hugetlb', false, false, false],
    ['guest-memfd', false, false, false],
    ['wc-mapped', false, false, false],
    ['dax', false, true, true],
    ['reserved', false, true, true],
    ['dev-mem', true, true, true],
    ['isa-hole', false, true, true],
    ['pci-bar', true, true, true],
  ])('%s: %s, with nopat %s, before 4.16 %s', (kind, now, nopat, before416) => {
    const mmio = (host: Partial<typeof NOW>): boolean => hostMmioOf({ kind }, { ...NOW, ...host }).mmio;
    expect([mmio({}), mmio({ nopat: true }), mmio({ before416: true })]).toEqual([now, nopat, before416]);
  });

  it('asks the type of the mapping for reserved pages alone', () => {
    for (const host of ['UC', 'UC-', 'WC'] as const) {
      expect(hostMmioOf({ kind: 'dax', host }, NOW).mmio).toBe(true);
      expect(hostMmioOf({ kind: 'ram', host }, NOW).mmio).toBe(false);
    }
    expect(hostMmioOf({ kind: 'dev-mem', host: 'WB' }, NOW).mmio).toBe(false);
    expect(hostMmioOf({ kind: 'pci-bar', host: 'WB' }, NOW).mmio).toBe(true);
  });

  it('says why', () => {
    for (const kind of BACKING_NAMES) {
      const { text, source, mmio } = hostMmioOf({ kind }, NOW);
      expect(text).toMatch(mmio ? /: host MMIO$/ : /: as RAM$/);
      expect(source).toMatch(/^kvm_is_mmio_pfn\(\), /);
    }
  });
});
