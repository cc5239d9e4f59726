import { describe, expect, it } from 'vitest';
import { INITIAL_SITUATION, type Situation } from '../explain.js';
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
