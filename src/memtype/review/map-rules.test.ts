import { describe, expect, it } from 'vitest';
import { INITIAL_SITUATION, type Situation } from '../explain.js';
import { linuxSeries } from '../guest-os/linux.js';
import { findPolicy } from '../policies/versions.js';
import { type MtrrConfig, mtrrWrites, replayWrites } from '../sdm/config.js';
import { review } from './review.js';

const GIB = 1n << 30n;
const BITS = INITIAL_SITUATION.maxphyaddr;
const def = (type: 'WB' | 'UC' | 'WC') => ({ type, enabled: true, fixedEnabled: false });

/** The end of what is said of 1 GiB of RAM at 0. */
function ramText(policy: string, config: MtrrConfig, fields: Partial<Situation>): string | undefined {
  const mtrr = replayWrites(mtrrWrites(config, BITS), BITS);
  const situation = { ...INITIAL_SITUATION, mtrr, ...fields };
  const ram = [{ name: 'ram', start: 0, end: 2 ** 18 }];
  const findings = review({
    policy: findPolicy(policy),
    vcpus: [{ who: 'vCPU 0', situation }],
    ram,
    mmio: [],
  });
  return findings.find(({ rule }) => rule === 'ram-type')?.text.replace(/^.*? by the MTRRs, /, '');
}

/** WC and WB overlap. */
const D2: MtrrConfig = {
  def: def('WB'),
  variable: [
    { index: 0, type: 'WC', base: 0n, size: GIB },
    { index: 1, type: 'WB', base: 0n, size: 2n * GIB },
  ],
};
/** UC has the higher base. */
const D1: MtrrConfig = {
  def: def('UC'),
  variable: [
    { index: 0, type: 'WB', base: 0n, size: GIB },
    { index: 1, type: 'UC', base: GIB / 2n, size: GIB / 2n },
  ],
};
const DMA = { noncoherent: true };
const ASKS_NOT = /^which this kernel does not ask, but the guest does/;

describe('RAM that the MTRRs do not make WB', () => {
  // kvm_mtrr_get_guest_memory_type() is asked up to 6.10, by vmx_get_mt_mask(), with non-coherent DMA and CR0.CD=0.
  it.each<[string, string, MtrrConfig, Partial<Situation>, RegExp | undefined]>([
    ['D2 on 6.1', '6.1', D2, DMA, /^which this kernel takes for WB \(D2\), but the guest may not/],
    ['D1 on 6.1', '6.1', D1, DMA, /^which this kernel takes for WB \(D1\), but the guest may not/],
    ['without DMA', '6.1', D2, {}, ASKS_NOT],
    ['on 7.2', '7.2', D2, DMA, ASKS_NOT],
    ['on AMD', 'npt', { def: def('UC') }, DMA, ASKS_NOT],
    [
      ...(['caches off', '6.1', { def: def('WC') }, { ...DMA, cd: true }] as const),
      /^which this kernel asks once CR0\.CD is 0$/,
    ],
    ['WC on 6.1', '6.1', { def: def('WC') }, DMA, /^and so it is WC to the guest$/],
    ['WB', '6.1', { def: def('WB') }, DMA, undefined],
  ])('%s', (_, policy, config, fields, expected) => {
    const text = ramText(policy, config, fields);
    if (expected === undefined) expect(text).toBeUndefined();
    else expect(text).toMatch(expected);
  });
});

/** What is said of 1 GiB of persistent memory at 4 GiB, behind its addresses. */
function pmemText(linux: string | undefined, policy: string, config: MtrrConfig): string | undefined {
  const situation = { ...INITIAL_SITUATION, ...DMA, mtrr: replayWrites(mtrrWrites(config, BITS), BITS) };
  const findings = review({
    policy: findPolicy(policy),
    vcpus: [{ who: 'vCPU 0', situation }],
    ...{ ram: [], mmio: [], pmem: [{ name: 'pmem', start: 2 ** 20, end: 2 ** 20 + 2 ** 18 }] },
    linux: linux === undefined ? undefined : { series: linuxSeries(linux), mapping: undefined, lowRamEnd: 0 },
  });
  return findings.find(({ rule }) => rule === 'pmem-type')?.text.replace(/^.*? by the MTRRs: /, '');
}

describe('persistent memory that the MTRRs do not make WB', () => {
  const OFF: MtrrConfig = {};
  const UC: MtrrConfig = { def: def('UC') };

  // 5.10 does not enable the PAT where the MTRRs are off (mtrr_bp_init()), and then takes a wish as it is (memtype_reserve()).
  it.each<[string | undefined, string, MtrrConfig, string | undefined]>([
    ['5.10', '6.1', OFF, 'Linux 5.10 maps it WB all the same, but it is UC to the guest'],
    ['5.10', '7.2', OFF, undefined],
    ['5.10', '7.2', UC, 'Linux 5.10 maps all of it UC-'],
    ['6.1', '7.2', OFF, 'Linux 6.1 maps all of it UC-'],
    ['7.2', '6.1', OFF, 'Linux 7.2 maps all of it UC-'],
    [undefined, '6.1', OFF, 'Linux 6.1 and later map all of it UC-'],
    [undefined, '6.1', UC, 'Linux maps all of it UC-'],
    ['5.10', '6.1', { def: def('WB') }, undefined],
  ])('Linux %s on %s', (linux, policy, config, expected) => {
    expect(pmemText(linux, policy, config)).toBe(expected);
  });
});
