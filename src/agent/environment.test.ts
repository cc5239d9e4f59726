import { expect, test } from 'vitest';
import { memslot, mib, scenario } from '../scenario/builder.js';
import { gpaBitsOf, pagingOf, readCpuinfo, vendorOf } from './environment.js';
import { missingReach } from './execute.js';

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

test.each([
  ['flags\t: fpu\naddress sizes\t: 40 bits physical, 48 bits virtual\n', 40],
  ['flags\t: fpu tme\naddress sizes\t: 46 bits physical, 57 bits virtual\n', undefined],
  ['flags\t: fpu\n', undefined],
])('the address bits of /proc/cpuinfo %j', (text, bits) => {
  expect(readCpuinfo(text).physBits).toBe(bits);
});

test.each([
  [0x0000_3028, 40],
  [0x0030_3934, 48],
  [0x0034_3934, 52],
  [0x0000_3934, 48],
  [undefined, 36],
])('leaf 0x80000008 with EAX=%i: memslots have addresses of %i bits', (eax, bits) => {
  const leaf = { function: 0x80000008, index: 0, flags: 0, ebx: 0, ecx: 0, edx: 0 };

  expect(gpaBitsOf(eax === undefined ? [] : [{ ...leaf, eax }])).toBe(bits);
});

test('a scenario whose memslots lie beyond the addresses of the machine is skipped', () => {
  const one = (gpa: bigint) => scenario('test/one', 'One', { maxphyaddr: 52 }, [memslot(1, gpa, 1)]);
  const missing = (gpa: bigint, gpaBits?: number) =>
    missingReach(one(gpa), gpaBits === undefined ? {} : { gpaBits });

  expect(missing((1n << 40n) - 0x1000n, 40)).toBeUndefined();
  expect(missing(1n << 40n, 40)?.reason).toMatch(/40 bits here.*some of 41/);
  expect(missing(1n << 51n)).toBeUndefined();
  expect(missingReach(scenario('test/none', 'None', {}, []), { gpaBits: 36 })).toBeUndefined();
  expect(missing(mib(64), 36)).toBeUndefined();
});
