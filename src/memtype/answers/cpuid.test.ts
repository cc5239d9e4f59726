import { expect, test } from 'vitest';
import { type CpuidKernel, supportedCpuid } from './cpuid.js';
import { versionSpan } from './span.js';

const INTEL: CpuidKernel = {
  paging: 'ept',
  selfSnoop: true,
  nested: true,
  cpu: { mtrr: true, pat: true, physBits: 40 },
};

// Each row: leaf, release, how the kernel differs, value, unsure bits.
test.each([
  [1, '6.1.0', {}, 0x801_1020n, 0n],
  [1, '6.1.0', { selfSnoop: false, nested: false }, 0x1_1000n, 0n],
  [1, '6.1.0', { cpu: { mtrr: false, pat: true } }, 0x801_0020n, 0n],
  [1, '6.1.0', { nested: undefined }, 0x801_1000n, 0x20n],
  [1, '6.1.0', { cpu: undefined }, 0x20n, 0x801_1000n],
  [0x8000_0008, '5.10.262', {}, 40n, 0n],
  [0x8000_0008, '6.6.1', {}, 40n, 0xff_0000n],
  [0x8000_0008, '6.12.1', {}, 0x28_0028n, 0n],
  [0x8000_0008, '7.2.13', {}, 0x28_0028n, 0n],
  [0x8000_0008, '7.2.13', { cpu: { mtrr: true, pat: true, physBits: 52 } }, 52n, 0xff_0000n],
  [0x8000_0008, '7.2.13', { cpu: { mtrr: true, pat: true } }, 0n, 0xff_00ffn],
  [0x8000_0008, '7.2.13', { paging: 'npt' }, 0x28_0028n, 0n],
  [0x8000_0008, '5.10.262', { paging: 'npt' }, 0n, 0xff_00ffn],
  [0x8000_0008, '7.2.13', { paging: 'shadow' }, 0n, 0xff_00ffn],
] as const)('leaf %i of %s, %j', (leaf, release, changes, value, unsure) => {
  const answer = supportedCpuid(leaf, { ...INTEL, ...changes }, versionSpan(release));

  expect(answer).toMatchObject({ value, unsure });
});

test('other leaves nobody asks about', () => {
  expect(supportedCpuid(7, INTEL, versionSpan('7.2.13'))).toBeUndefined();
});
