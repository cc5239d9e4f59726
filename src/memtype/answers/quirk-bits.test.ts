import { expect, test } from 'vitest';
import { findPolicy } from '../policies/versions.js';
import { quirkBits } from './quirk-bits.js';
import { versionSpan } from './span.js';

const hex = (bits: number): string => `0x${bits.toString(16)}`;

// Each row: a release, the policy that it is said to have, and the bits that are there and that may be, on a CPU without self-snoop.
test.each([
  ['5.10.262', 'A-4.4', '0x0', '0x0'],
  ['6.1.192', 'A', '0x7f', '0x0'],
  ['6.12.118', 'E-6.12', '0x5ff', '0x0'],
  ['7.2.13', 'E', '0xdff', '0x0'],
  // What a policy says that is not the version's: of its quirk IGNORE_GUEST_PAT alone.
  ['6.12.118', 'D', '0x5ff', '0x0'],
  ['7.2.13', 'C', '0xdff', '0x0'],
])('Linux %s with policy %s has quirks %s, and perhaps %s', (release, policy, all, some) => {
  const bits = quirkBits(findPolicy(policy), versionSpan(release), false);
  expect([bits.all, bits.some].map(hex)).toEqual([all, some]);
});

// Each row: a release, the policy that a patch brought it to, and its bits.
test.each([
  ['6.12.118', 'D', '0xff'],
  ['6.12.118', 'D-6.11', '0x7f'],
  ['6.12.118', 'C', '0x7f'],
  ['7.2.13', 'D-6.13', '0x1ff'],
])('Linux %s that was brought to policy %s has quirks %s alone', (release, policy, all) => {
  const bits = quirkBits({ ...findPolicy(policy), patched: true }, versionSpan(release), false);
  expect([bits.all, bits.some].map(hex)).toEqual([all, '0x0']);
});
