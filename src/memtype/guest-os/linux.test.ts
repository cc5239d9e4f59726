import { describe, expect, it } from 'vitest';
import { PAT_RESET } from '../../arch/msrs.js';
import { gfnOf } from '../../arch/units.js';
import { type MtrrConfig, mtrrWrites, replayWrites } from '../sdm/config.js';
import { patType } from '../sdm/pat.js';
import {
  type BeforeLinux,
  GuestOsError,
  type LinuxMapping,
  linuxMapping,
  linuxSeries,
  usualMapping,
} from './linux.js';

const LINUX_PAT = 0x0407_0506_0007_0106n;
const mtrrs = (config: MtrrConfig) => replayWrites(mtrrWrites(config, 46), 46);
const OFF = mtrrs({});
const WB = mtrrs({ def: { type: 'WB', enabled: true, fixedEnabled: false } });

/** PAT value, entry and its type. */
function mapped(
  version: string,
  mapping: LinuxMapping,
  { mtrr = WB, pat = PAT_RESET, mtrrCpuid = true, start = 8n << 30n, size = 1n << 30n } = {},
): string {
  const range = { start: gfnOf(start), end: gfnOf(start + size) };
  const seen = linuxMapping(linuxSeries(version), mapping, { mtrr, pat, mtrrCpuid }, range);
  const name = seen.pat === LINUX_PAT ? 'own' : seen.pat === pat ? 'kept' : 'other';
  return `${name} ${seen.patEntry} ${patType(seen.pat, seen.patEntry)}`;
}

describe('Linux as a guest with MTRRs on', () => {
  // WB WC UC- UC WB WP UC- WT: entries of __cachemode2pte_tbl[] after update_cache_mode_entry().
  it.each<[LinuxMapping, string]>([
    ['ram', 'own 0 WB'],
    ['pmem', 'own 0 WB'],
    ['memremap-wb', 'own 0 WB'],
    ['memremap-wt', 'own 7 WT'],
    ['memremap-wc', 'own 1 WC'],
    ['ioremap', 'own 2 UC-'],
    ['ioremap-uc', 'own 3 UC'],
    ['ioremap-wc', 'own 1 WC'],
    ['ioremap-wt', 'own 7 WT'],
    ['ioremap-cache', 'own 0 WB'],
    ['pgprot-noncached', 'own 2 UC-'],
    ['pgprot-writecombine', 'own 1 WC'],
  ])('%s: %s', (mapping, expected) => {
    for (const version of ['5.10.262', '6.1.0-28-amd64', '6.12', '7.2', '7.3.4'])
      expect(mapped(version, mapping)).toBe(expected);
  });

  it('makes a wish for WB UC- unless the MTRRs make all of it WB (pat_x_mtrr_type())', () => {
    const half = mtrrs({
      def: { type: 'WB', enabled: true, fixedEnabled: false },
      variable: [{ index: 0, type: 'UC', base: 9n << 30n, size: 1n << 30n }],
    });
    for (const version of ['5.10', '6.1', '6.12', '7.2']) {
      expect(mapped(version, 'pmem', { mtrr: half })).toBe('own 0 WB');
      expect(mapped(version, 'pmem', { mtrr: half, size: 2n << 30n })).toBe('own 2 UC-');
      expect(mapped(version, 'ioremap-wc', { mtrr: half, size: 2n << 30n })).toBe('own 1 WC');
      expect(mapped(version, 'ram', { mtrr: half, size: 2n << 30n })).toBe('own 0 WB');
    }
  });

  it('leaves the ISA hole WB, whatever is asked for (is_ISA_range())', () => {
    expect(mapped('6.1', 'ioremap', { start: 0xa0000n, size: 0x20000n })).toBe('own 0 WB');
  });
});

describe('Linux as a guest with MTRRs off, or not in CPUID', () => {
  it.each<[string, LinuxMapping, string]>([
    // pat_enabled() is false: memtype_reserve() gives what is asked for.
    ['5.10', 'pmem', 'kept 0 WB'],
    ['5.10', 'ioremap-wc', 'kept 2 UC-'],
    // init_cache_modes() sets pat_bp_enabled under a hypervisor; mtrr_type_lookup() gives MTRR_TYPE_INVALID.
    ['6.1', 'pmem', 'kept 2 UC-'],
    ['6.1', 'ioremap-wc', 'kept 2 UC-'],
    ['6.1', 'ioremap-wt', 'kept 1 WT'],
    ['6.1', 'ioremap-uc', 'kept 3 UC'],
    // The PAT no longer waits for MTRRs; mtrr_type_lookup() gives UC.
    ['6.12', 'pmem', 'own 2 UC-'],
    ['6.12', 'ioremap-wc', 'own 1 WC'],
    ['7.2', 'pmem', 'own 2 UC-'],
    ['7.3', 'ram', 'own 0 WB'],
  ])('%s %s: %s', (version, mapping, expected) => {
    expect(mapped(version, mapping, { mtrr: OFF })).toBe(expected);
    expect(mapped(version, mapping, { mtrrCpuid: false })).toBe(expected);
  });
});

describe('Linux as a guest', () => {
  it('takes a PAT of 0 for none, though all of its entries are UC', () => {
    for (const version of ['5.10', '6.1', '6.12', '7.2']) {
      expect(mapped(version, 'pmem', { pat: 0n, mtrr: OFF })).toBe('kept 0 UC');
      expect(mapped(version, 'ioremap-wc', { pat: 0n })).toBe('kept 2 UC');
    }
  });

  // bochs-drm with era C: ioremap() of the VRAM came first, and ioremap_wc() got its type.
  it.each<[LinuxMapping, LinuxMapping, string | undefined]>([
    ['ioremap-wc', 'ioremap', 'UC-'],
    ['ioremap', 'ioremap-wc', 'WC'],
    ['ioremap-wc', 'ioremap-wc', 'WC'],
    ['ioremap-cache', 'ioremap-wc', 'WC'],
    ['ioremap-uc', 'ioremap-cache', 'WB'],
    ['pgprot-writecombine', 'ioremap-cache', undefined],
    ['ioremap', 'pmem', undefined],
    ['ioremap-wt', 'ioremap-wc', undefined],
    ['ioremap-wt', 'ioremap', 'UC-'],
  ])('gives %s over %s the type %s', (mapping, earlier, type) => {
    for (const version of ['5.10', '6.1', '7.2']) {
      const before = { mtrr: WB, pat: PAT_RESET, mtrrCpuid: true };
      const map = () =>
        linuxMapping(linuxSeries(version), mapping, before, { start: 0x1000, end: 0x2000 }, earlier);
      if (type === undefined) expect(map).toThrow(/^Linux refuses the mapping: it is mapped /);
      else expect(patType(map().pat, map().patEntry)).toBe(type);
    }
  });

  it('minds no other mapping where it does not keep track', () => {
    const before = { mtrr: OFF, pat: PAT_RESET, mtrrCpuid: true };
    const { patEntry } = linuxMapping(
      linuxSeries('5.10'),
      'ioremap-wt',
      before,
      { start: 1, end: 2 },
      'ioremap-cache',
    );
    expect(patEntry).toBe(1);
  });

  it('is known in the series that were read', () => {
    expect(linuxSeries('6.12.85+deb13-amd64').series).toBe('6.12');
    for (const version of ['6.2', '5.15.0-91-generic', '4.19', 'x'])
      expect(() => linuxSeries(version)).toThrow(GuestOsError);
  });

  it('maps a slot by what is behind it', () => {
    expect([
      usualMapping('dax'),
      usualMapping('pci-bar'),
      usualMapping('ram'),
      usualMapping(undefined),
    ]).toEqual([...['pmem', 'ioremap', 'ram', 'ram']]);
  });
});

describe('the chain of rules', () => {
  const RANGE = { start: gfnOf(8n << 30n), end: gfnOf(9n << 30n) };
  const rules = (version: string, mapping: LinuxMapping, before: Partial<BeforeLinux>): string[] => {
    const registers = { mtrr: WB, pat: PAT_RESET, mtrrCpuid: true, ...before };
    return linuxMapping(linuxSeries(version), mapping, registers, RANGE).why.map(
      ({ text, source }) => `${text} (${source})`,
    );
  };
  const ENTRY = 'update_cache_mode_entry() and __cachemode2pte_tbl[] of arch/x86/mm/init.c';

  it('ends at the MTRRs that are off', () => {
    expect(rules('6.1', 'pmem', { mtrr: OFF })).toEqual([
      'Linux 6.1 does not write the PAT, as the MTRRs are off: it stays 0x7040600070406 (mtrr_bp_init() of arch/x86/kernel/cpu/mtrr/mtrr.c, read in 5.10 and 6.1)',
      'persistent memory asks for WB (devm_memremap_pages() of mm/memremap.c)',
      'the MTRRs are off: a wish for WB becomes UC- (memtype_reserve() and pat_x_mtrr_type(), 5.10 to 7.3)',
      `its page tables say PAT entry 2 for UC- (${ENTRY})`,
    ]);
    expect(rules('6.1', 'pmem', { mtrrCpuid: false })[2]).toMatch(/^the MTRRs are off: /);
  });

  it('ends at ranges that are not WB', () => {
    const uc = mtrrs({ def: { type: 'UC', enabled: true, fixedEnabled: false } });
    expect(rules('7.2', 'ioremap-cache', { mtrr: uc })).toEqual([
      'Linux 7.2 writes the PAT: WB WC UC- UC WB WP UC- WT (arch/x86/mm/pat/memtype.c)',
      'ioremap_cache() asks for WB (arch/x86/mm/ioremap.c)',
      'the MTRRs do not make all of it WB: a wish for WB becomes UC- (memtype_reserve() and pat_x_mtrr_type(), 5.10 to 7.3)',
      `its page tables say PAT entry 2 for UC- (${ENTRY})`,
    ]);
  });

  it('ends at the window of a TDX or SNP guest', () => {
    const forced = (start: bigint, end: bigint): string => {
      const before = { mtrr: OFF, pat: PAT_RESET, mtrrCpuid: false, forced: gfnOf(3n << 30n) };
      const range = { start: gfnOf(start), end: gfnOf(end) };
      return linuxMapping(linuxSeries('7.2'), 'ioremap-cache', before, range).why.at(-2)?.text ?? '';
    };
    const window =
      /^it lies between RAM and 4 GiB, which such a guest takes for UC: a wish for WB becomes UC-$/;
    expect(forced(0n, 3n << 30n)).toBe('ioremap_cache() asks for WB');
    expect(forced(4n << 30n, 5n << 30n)).toBe('ioremap_cache() asks for WB');
    expect(forced(2n << 30n, (3n << 30n) + 4096n)).toMatch(window);
    expect(forced((4n << 30n) - 4096n, 5n << 30n)).toMatch(window);
  });

  it('minds where the ISA hole ends', () => {
    const type = (start: number, end: number): string => {
      const before = { mtrr: WB, pat: PAT_RESET, mtrrCpuid: true };
      const { pat, patEntry } = linuxMapping(linuxSeries('6.1'), 'ioremap', before, { start, end });
      return patType(pat, patEntry);
    };
    expect([type(0xa0, 0x100), type(0x9f, 0xa1), type(0xff, 0x101), type(0xc0, 0xc1)]).toEqual([
      ...['WB', 'UC-', 'UC-', 'WB'],
    ]);
  });

  it('names a PAT of 0, and the mapping that is there', () => {
    expect(rules('6.12', 'ram', { pat: 0n })[0]).toBe(
      'Linux 6.12 takes a PAT of 0 for none (pat_bp_init() of arch/x86/mm/pat/memtype.c)',
    );
    const before = { mtrr: WB, pat: PAT_RESET, mtrrCpuid: true };
    const { why } = linuxMapping(linuxSeries('6.1'), 'ioremap-wc', before, RANGE, 'ioremap');
    expect(why[2]?.text).toBe('it is mapped UC- already, so all of its mappings are');
  });
});
