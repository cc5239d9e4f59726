import { expect, test } from 'vitest';
import { pagingOf, readCpuinfo, vendorOf } from './environment.js';

const BOTH = { 'kvm_intel.ept': 'Y', 'kvm_amd.npt': '1' };

// Each row: parameters that are there, flags of the CPU, vendor and paging.
test.each([
  [BOTH, ['vmx'], 'intel', 'ept'],
  [BOTH, ['svm'], 'amd', 'npt'],
  [BOTH, [], 'other', 'shadow'],
  [{ 'kvm_intel.ept': 'N' }, ['vmx'], 'intel', 'shadow'],
  [{ 'kvm_amd.npt': '0' }, ['svm'], 'amd', 'shadow'],
  [{ 'kvm_amd.npt': 'Y' }, ['vmx'], 'other', 'shadow'],
  [{}, ['vmx'], 'other', 'shadow'],
] as const)('parameters %j on a CPU with %j', (params, flags, vendor, paging) => {
  const found = vendorOf(params, new Set(flags));

  expect([found, pagingOf(params, found)]).toEqual([vendor, paging]);
});

test.each([
  [
    'processor\t: 0\nmicrocode\t: 0x28\nflags\t\t: fpu vmx\n\nprocessor\t: 1\nflags\t: x\n',
    '0x28',
    ['fpu', 'vmx'],
  ],
  ['processor\t: 0\nflags\t\t: fpu\n', undefined, ['fpu']],
])('the first processor of /proc/cpuinfo %j', (text, microcode, flags) => {
  const read = readCpuinfo(text);

  expect([read.microcode, [...read.flags]]).toEqual([microcode, flags]);
});
