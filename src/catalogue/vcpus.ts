import { MT } from '../arch/memory-types.js';
import { MSR } from '../arch/msrs.js';
import {
  cd,
  disableQuirk,
  mib,
  mtrrs,
  noncoherent,
  rdmsr,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';

const needs = ['ept-leaves', 'noncoherent'] as const;

/** Several vCPUs share one EPT: the one that faults first decides. */
export const vcpus = [
  scenario(
    'vcpus/disagree-mtrr',
    'Of two vCPUs whose MTRRs disagree the first to fault decides for both',
    { needs, vcpus: 2 },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB, vcpu: 0 }),
      mtrrs({ def: MT.UC, vcpu: 1 }),
      touch(mib(4), { vcpu: 0, claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB', 'A+P2': 'WB' } }),
      touch(mib(4), { vcpu: 1 }),
      touch(mib(5), { vcpu: 1, claims: { A: 'UC', B: 'UC', D: 'WB', E: 'WB', 'A+P2': 'WB' } }),
      touch(mib(5), { vcpu: 0 }),
      rdmsr(MSR.DEF_TYPE),
      rdmsr(MSR.DEF_TYPE, { vcpu: 1 }),
    ],
  ),
  scenario(
    'vcpus/disagree-cd',
    'Of two vCPUs whose CR0.CD disagree the first to fault decides for both',
    {
      needs: [...needs, 'quirk-cd-nw-cleared'],
      vcpus: 2,
    },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WB, vcpu: 0 }),
      mtrrs({ def: MT.WB, vcpu: 1 }),
      cd(true, { vcpu: 1 }),
      touch(mib(4), { vcpu: 0, claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
      touch(mib(4), { vcpu: 1 }),
      touch(mib(5), { vcpu: 1, claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      touch(mib(5), { vcpu: 0 }),
    ],
  ),
  scenario(
    'vcpus/zap-shared',
    'An MTRR write by one vCPU zaps the leaves that another made, where MTRRs count',
    { needs, vcpus: 2 },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB, vcpu: 0 }),
      mtrrs({ def: MT.WB, vcpu: 1 }),
      touchMany(mib(4), 3, { vcpu: 0 }),
      mtrrs({ def: MT.WT, vcpu: 1 }),
      touchMany(mib(4), 3, { vcpu: 1 }),
    ],
  ),
  scenario(
    'vcpus/cd-zaps-shared',
    'CR0.CD of one vCPU, set or cleared, zaps the leaves that another made, where it counts',
    { needs: [...needs, 'quirk-cd-nw-cleared'], vcpus: 2 },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WB, vcpu: 0 }),
      mtrrs({ def: MT.WT, vcpu: 1 }),
      touchMany(mib(4), 2, { vcpu: 0 }),
      cd(true, { vcpu: 1 }),
      touch(mib(4), { vcpu: 0, claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
      touch(mib(5), { vcpu: 1, claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      cd(true, { vcpu: 0 }),
      touch(mib(4), { vcpu: 0, claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
      touch(mib(5), { vcpu: 1 }),
      cd(false, { vcpu: 1 }),
      touch(mib(5), { vcpu: 1, claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB', 'A+P2': 'WB' } }),
      touch(mib(4), { vcpu: 0, claims: { A: 'UC+IPAT', B: 'UC+IPAT', D: 'WB', E: 'WB' } }),
    ],
  ),
];
