import { describe, expect, it } from 'vitest';
import { compareAll, explainPage, INITIAL_SITUATION, type Situation } from './explain.js';
import { ALL_POLICIES } from './policies/index.js';
import { findPolicy } from './policies/versions.js';
import { hasVmType, quirksOfType, VM_TYPES } from './vm-types.js';

const at = (policy: string, fields: Partial<Situation>) =>
  explainPage(findPolicy(policy), { ...INITIAL_SITUATION, ...fields }, 0);
const brief = (policy: string, fields: Partial<Situation>): string => {
  const { type, ipat, effective, maxLevel } = at(policy, fields);
  return `${type}${ipat ? '+' : ''} ${effective} ${maxLevel}`;
};
/** PAT entry 3 is UC, entry 1 WT. */
const UC = { patEntry: 3 };

describe('VMs that hide their memory', () => {
  it('are known to these kernels', () => {
    const names = (type: 'tdx' | 'snp') =>
      ALL_POLICIES.filter((policy) => hasVmType(policy, type)).map(({ name }) => name);
    expect(names('tdx')).toEqual(['E', 'E+P5-device', 'E+P5-memslot', 'E+P5']);
    expect(names('snp')).toEqual(['npt', 'npt-D-6.13', 'npt-E-6.12', 'npt-D', 'npt-D-6.11']);
    expect(ALL_POLICIES.every((policy) => hasVmType(policy, undefined))).toBe(true);
    expect(VM_TYPES.map(quirksOfType)).toEqual([0x200, 0]);
  });

  // tdx_vm_init() and vmx_get_mt_mask() of 7.2; private pages by the TDX module.
  it.each<[string, Partial<Situation>, string]>([
    ['shared', {}, 'WB UC 3'],
    ['shared, with DMA', { noncoherent: true }, 'WB UC 3'],
    ['shared, a device', { mmio: true }, 'UC UC 3'],
    ['private', { isPrivate: true }, 'WB+ WB 1'],
    ['private, with DMA', { isPrivate: true, noncoherent: true }, 'WB+ WB 1'],
  ])('TDX: %s', (_, fields, expected) => {
    expect(brief('7.2', { vmType: 'tdx', ...UC, ...fields })).toBe(expected);
  });

  it('private pages of other VMs are as RAM', () => {
    expect(brief('7.2', { isPrivate: true, ...UC })).toBe('WB+ WB 3');
    expect(brief('npt', { isPrivate: true, vmType: 'snp', ...UC })).toBe('none UC 3');
  });

  it('SNP: CR0.CD is the guest’s own', () => {
    expect([brief('npt', { cd: true }), brief('npt', { cd: true, vmType: 'snp' })]).toEqual([
      ...['none WB 3', 'none UC 3'],
    ]);
  });

  it('are compared among the kernels that have them', () => {
    const names = compareAll({ ...INITIAL_SITUATION, vmType: 'tdx' }, 0)
      .flat()
      .map(({ policy }) => policy.name);
    expect(names).toHaveLength(4);
  });
});

describe('L2', () => {
  it('has the type of L1’s page, by its own PAT and CR0.CD, and no bound by MTRRs', () => {
    const l1 = { noncoherent: true };
    expect(brief('6.1', l1)).toBe('UC UC 3');
    expect(brief('6.1', { ...l1, l2: true })).toBe('UC UC 3');
    expect(brief('6.1', { ...l1, l2: true, cd: true })).toBe('WB+ WB 3');
    expect(at('6.1', { l2: true }).why[0]?.source).toMatch(/^make_spte\(\) and FNAME\(gpte_access\)\(\)/);
    expect(
      compareAll({ ...INITIAL_SITUATION, l2: true }, 0)
        .flat()
        .every(({ policy }) => policy.paging === 'ept'),
    ).toBe(true);
  });
});
