import { describe, expect, it } from 'vitest';
import { compareAll, explainArch, explainPage, type MapEntry, type Situation } from './explain.js';
import { explainRegions } from './map/regions.js';
import { policies } from './policies/index.js';
import type { Policy } from './policy.js';
import { type MtrrConfig, mtrrWrites, replayWrites } from './sdm/config.js';
import type { MappedRange } from './sdm/ranges.js';

const M = 1n << 20n;
const D1: MtrrConfig = {
  def: { type: 'UC', enabled: true, fixedEnabled: false },
  variable: [
    { index: 0, type: 'WB', base: 0n, size: 16n * M },
    { index: 1, type: 'UC', base: 12n * M, size: 4n * M },
  ],
};
const named = (name: string): Policy => policies.get(name) as Policy;
const situation = (rest: Partial<Situation> = {}, config: MtrrConfig = D1): Situation => ({
  mtrr: replayWrites(mtrrWrites(config, 40), 40),
  pat: 0x0007_0406_0007_0406n,
  patEntry: 0,
  cd: false,
  noncoherent: true,
  mmio: false,
  disabledQuirks: 0,
  maxphyaddr: 40,
  mtrrCpuid: true,
  selfSnoop: true,
  slotFlag: false,
  ...rest,
});

describe('explainPage', () => {
  it('names the erratum where era A departs from the SDM', () => {
    const explanation = explainPage(named('6.1'), situation(), 0xc00);
    expect(explanation).toMatchObject({ type: 'WB', ipat: false, effective: 'WB', errata: ['D1'] });
    expect(explanation.why.map(({ text }) => text)).toEqual([
      'RAM, and non-coherent DMA: the MTRRs of vCPU 0 decide, IPAT 0',
      'variable range 1 says UC',
      'variable range 0 says WB, met after UC: WB',
      'IPAT 0: the PAT type WB combines to WB',
    ]);
    expect(explainArch(situation(), 0xc00)).toMatchObject({ mtrr: 'UC', pat: 'WB', effective: 'UC' });
  });

  it('takes the vCPU for the first of its VM', () => {
    expect(explainPage(named('A+P2'), situation(), 0xc00)).toMatchObject({ type: 'WB', errata: ['D1'] });
  });

  it('combines the PAT entry, or ignores it', () => {
    expect(explainPage(named('6.1'), situation({ patEntry: 3 }), 0)).toMatchObject({
      type: 'WB',
      effective: 'UC',
    });
    const ignored = explainPage(named('6.1'), situation({ patEntry: 3, noncoherent: false }), 0);
    expect(ignored).toMatchObject({ type: 'WB', ipat: true, effective: 'WB', errata: [] });
    expect(ignored.why.at(-1)).toEqual({
      text: 'IPAT 1: the PAT type UC is ignored',
      source: 'SDM, "Memory Type Used for Translated Guest-Physical Addresses"',
    });
    expect(explainPage(named('7.2'), situation({ patEntry: undefined }), 0).effective).toBe('WB');
  });

  it('counts the quirks that a policy has, and those it disables itself', () => {
    const at = (name: string, disabledQuirks: number): boolean =>
      explainPage(named(name), situation({ noncoherent: false, disabledQuirks }), 0).ipat;
    expect(at('7.2', 0)).toBe(true);
    expect(at('7.2', 0x200)).toBe(false);
    expect(at('6.1', 0x200)).toBe(true);
    const cd = situation({ cd: true, disabledQuirks: 2 });
    expect(explainPage(named('6.1'), cd, 0)).toMatchObject({ type: 'UC', ipat: true });
    expect(explainPage(named('6.1'), situation({ cd: true }), 0)).toMatchObject({ type: 'WB', ipat: true });
  });

  it('counts no quirk that the CPU keeps on', () => {
    const at = (name: string, selfSnoop: boolean): boolean =>
      explainPage(named(name), situation({ noncoherent: false, disabledQuirks: 0x200, selfSnoop }), 0).ipat;
    for (const name of ['E', 'E-6.12', 'E+P5'])
      expect([at(name, true), at(name, false)]).toEqual([false, true]);
    expect(explainPage(named('E'), situation({ disabledQuirks: 0x200, selfSnoop: false }), 0).ipat).toBe(
      false,
    );
    const { why } = explainPage(named('E'), situation({ noncoherent: false, selfSnoop: false }), 0);
    expect(why[0]).toMatchObject({
      text: 'RAM, no non-coherent DMA device, and a CPU without self-snoop, where the PAT is always ignored: WB, IPAT 1',
      source: 'vmx_hardware_setup() and vmx_ignore_guest_pat(), 6.16 and 6.12.78 on',
    });
  });

  it('names what the kernel would refuse, and judges as if it had not been asked', () => {
    const asked = situation({ noncoherent: false, disabledQuirks: 0x200, slotFlag: true });
    const quirk = 'quirk 0x200 (IGNORE_GUEST_PAT)';
    const flag = 'the memslot flag of proposal P5';
    expect(explainPage(named('D'), asked, 0)).toMatchObject({ ipat: true, refuses: [quirk, flag] });
    expect(explainPage(named('E'), asked, 0)).toMatchObject({ ipat: false, refuses: [flag] });
    expect(explainPage(named('E+P5'), asked, 0)).toMatchObject({ ipat: false, refuses: [] });
  });

  it('tells the largest leaf that the types allow', () => {
    const level = (name: string, rest: Partial<Situation> = {}): number =>
      explainPage(named(name), situation({ noncoherent: false, ...rest }), 0).maxLevel;
    expect(['5.10', '6.1', 'npt-A-4.4', 'npt-A', '7.2'].map((name) => level(name))).toEqual([2, 3, 2, 3, 3]);
    expect(level('6.1', { noncoherent: true })).toBe(2);
    expect([true, false].map((slotFlag) => level('A+P5-memslot-mtrr', { slotFlag }))).toEqual([2, 3]);
  });

  it('leaves CR0.CD to an AMD processor once its quirk is disabled', () => {
    const at = (name: string, rest: Partial<Situation>) => explainPage(named(name), situation(rest), 0);
    const wc = 0x0007_0406_0007_0401n;
    for (const name of ['npt', 'npt-A', 'npt-A-4.4']) {
      expect(at(name, { cd: true, disabledQuirks: 2, pat: wc }).effective).toBe('UC');
      expect(at(name, { cd: true, disabledQuirks: 4, pat: wc }).effective).toBe('WC');
      expect(at(name, { cd: false, disabledQuirks: 2, pat: wc }).effective).toBe('WC');
    }
    expect(at('npt', { cd: true, disabledQuirks: 2 }).why.at(-1)).toEqual({
      text: 'CR0.CD=1 and the quirk CD_NW_CLEARED is disabled: the processor itself has CD=1: UC',
      source: 'svm_set_cr0(), all versions',
    });
    const shadow = at('none', { cd: true, disabledQuirks: 2 });
    expect([shadow.effective, shadow.why.at(-1)]).toEqual([
      'WB',
      {
        text: 'so by kvm_intel; kvm_amd leaves CR0.CD=1 to the processor once CD_NW_CLEARED is disabled: UC there',
        source: 'svm_set_cr0(), all versions',
      },
    ]);
    for (const rest of [{ cd: true }, { cd: true, disabledQuirks: 4 }, { disabledQuirks: 2 }])
      expect(at('none-A', rest).why.length).toBe(2);
  });

  it('has a flagged slot only where the kernel takes the flag', () => {
    const flagged = situation({ noncoherent: false, slotFlag: true });
    expect(explainPage(named('7.2+P5-memslot'), flagged, 0).ipat).toBe(false);
    expect(explainPage(named('7.2'), flagged, 0).ipat).toBe(true);
    expect(explainPage(named('7.2+P5-memslot'), situation({ noncoherent: false }), 0).ipat).toBe(true);
  });

  it('says what AMD and shadow paging do', () => {
    const npt = explainPage(named('npt'), situation({ patEntry: 1 }), 0);
    expect(npt).toMatchObject({ type: 'none', ipat: false, effective: 'WT' });
    expect(npt.why.at(-1)).toEqual({
      text: "the PAT type WT combines with the host's MTRRs to WT",
      source: 'AMD manual, "Combining Memory Types, MTRRs" of nested paging',
    });
    expect(explainPage(named('npt'), situation({ patEntry: 1, mmio: true }), 0).effective).toBe('UC');
    const shadow = explainPage(named('none'), situation(), 0);
    expect(shadow).toMatchObject({ type: 'none', effective: 'WB' });
    expect(shadow.why).toEqual([
      { text: 'leaf entries have no memory type here', source: 'make_spte(): no memory type without EPT' },
      {
        text: "shadow entries do not carry the guest's PAT bits: WB by the host's MTRRs",
        source: 'make_spte(), all versions',
      },
    ]);
    expect(explainPage(named('none'), situation({ mmio: true }), 0).effective).toBe('UC');
  });
});

describe('explainArch', () => {
  it('is UC with CR0.CD', () => {
    const explanation = explainArch(situation({ cd: true }), 0);
    expect(explanation).toMatchObject({ mtrr: 'WB', pat: 'WB', effective: 'UC' });
    expect(explanation.why.at(-1)).toEqual({
      text: 'CR0.CD=1: UC, whatever MTRRs and PAT say',
      source: 'SDM, "Cache Control Registers and Bits"',
    });
  });

  it('combines MTRR and PAT, and is WB by MTRR without any', () => {
    const explanation = explainArch(situation({ patEntry: 1 }), 0);
    expect(explanation.effective).toBe('WT');
    expect(explanation.why.map(({ text }) => text)).toEqual([
      'variable range 0 says WB',
      'the ranges that match give WB',
      'MTRR type WB and PAT type WT give WT',
    ]);
    expect(explanation.why.at(-1)?.source).toMatch(/^SDM, "Effective Page-Level Memory Types/);
    expect(explainArch(situation({ mtrrCpuid: false }), 0xc00)).toMatchObject({
      mtrr: 'WB',
      effective: 'WB',
    });
  });

  it('leaves undefined what the SDM does', () => {
    const config: MtrrConfig = {
      ...D1,
      variable: [
        { index: 0, type: 'WB', base: 0n, size: 16n * M },
        { index: 1, type: 'WC', base: 0n, size: M },
      ],
    };
    const at = (patEntry: number) =>
      explainArch(situation({ pat: 0x0004_0605_0700_0106n, patEntry }, config), 0);
    // WB, WC, UC, UC-, WP: only UC and WC are one type whatever the MTRRs say.
    expect([0, 1, 2, 3, 4, 5, 6].map((entry) => at(entry).effective)).toEqual([
      'undefined',
      'WC',
      'UC',
      'undefined',
      'undefined',
      'undefined',
      'undefined',
    ]);
    expect(at(2)).toMatchObject({ mtrr: 'undefined', pat: 'UC' });
    expect(at(2).why.at(-1)?.text).toBe('MTRR type undefined and PAT type UC give UC');
  });
});

describe('compareAll', () => {
  it('groups policies by outcome', () => {
    const groups = compareAll(situation(), 0xc00).map((group) => group.map(({ policy }) => policy.name));
    expect(groups.map((names) => names[0])).toEqual(['A-4.4', 'none']);
    const two = compareAll(situation({ noncoherent: false }), 0, [named('A'), named('C'), named('D')]);
    expect(two.map((group) => group.map(({ policy }) => policy.name))).toEqual([['A', 'D'], ['C']]);
    const effective = compareAll(situation({ patEntry: 3 }), 0xc00, [named('A'), named('npt')]);
    expect(effective.length).toBe(2);
  });
});

const explainMap = (policy: Policy, one: Situation, end: number): MappedRange<MapEntry>[] =>
  explainRegions(policy, [one], { start: 0, end }).map(({ value, ...range }) => ({
    ...range,
    value: value.vcpus[0] as MapEntry,
  }));

describe('explainRegions', () => {
  const page = 256;
  it('maps guest-physical memory, with what the SDM says beside it', () => {
    expect(explainMap(named('6.1'), situation(), 24 * page)).toEqual([
      { start: 0, end: 12 * page, value: { type: 'WB', ipat: false, effective: 'WB', arch: 'WB' } },
      { start: 12 * page, end: 16 * page, value: { type: 'WB', ipat: false, effective: 'WB', arch: 'UC' } },
      { start: 16 * page, end: 24 * page, value: { type: 'UC', ipat: false, effective: 'UC', arch: 'UC' } },
    ]);
  });

  it('sees where KVM covers other frames than the SDM', () => {
    const config: MtrrConfig = {
      def: { type: 'WB', enabled: true, fixedEnabled: true },
      variable: [
        { index: 0, type: 'UC', base: 2n * M + 0x1000n, size: M },
        { index: 1, type: 'UC', base: 4n * M, mask: 0xff_ffd0_0000n },
      ],
      fixed: [{ type: 'WB', start: 0n, size: M }],
    };
    const map = explainMap(named('6.1'), situation({}, config), 8 * page).map(({ start, end, value }) => [
      start,
      end,
      value.type,
      value.arch,
    ]);
    expect(map).toEqual([
      [0, 2 * page, 'WB', 'WB'],
      [2 * page, 2 * page + 1, 'WB', 'UC'],
      [2 * page + 1, 3 * page, 'UC', 'UC'],
      [3 * page, 4 * page, 'WB', 'WB'],
      [4 * page, 5 * page, 'UC', 'UC'],
      [5 * page, 6 * page, 'UC', 'WB'],
      [6 * page, 7 * page, 'UC', 'UC'],
      [7 * page, 8 * page, 'WB', 'WB'],
    ]);
    const plain = explainMap(named('7.2'), situation({}, config), 2 * page).map(({ end, value }) => [
      end,
      value.type,
      value.ipat,
    ]);
    expect(plain).toEqual([[2 * page, 'WB', false]]);
  });

  it('shows fixed ranges', () => {
    const config: MtrrConfig = {
      def: { type: 'WB', enabled: true, fixedEnabled: true },
      fixed: [
        { type: 'WB', start: 0n, size: 0xa0000n },
        { type: 'WP', start: 0xff000n, size: 0x1000n },
      ],
    };
    const map = explainMap(named('6.1'), situation({}, config), 512).map(({ start, end, value }) => [
      start,
      end,
      value.effective,
    ]);
    expect(map).toEqual([
      [0, 0xa0, 'WB'],
      [0xa0, 0xff, 'UC'],
      [0xff, 0x100, 'WP'],
      [0x100, 0x200, 'WB'],
    ]);
  });
});
