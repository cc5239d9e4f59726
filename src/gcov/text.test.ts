import { expect, test } from 'vitest';
import { lcovOf } from './lcov.js';
import { changedLines } from './patch.js';
import { codeText, patchText } from './text.js';
import type { CountedFile } from './types.js';

const MTRR: CountedFile = {
  path: 'arch/x86/kvm/mtrr.c',
  functions: [
    { name: 'valid_type', start: 1, end: 4, count: 7 },
    { name: 'update_mtrr', start: 10, end: 20, count: 0 },
  ],
  lines: [
    { line: 2, function: 'valid_type', count: 7, branches: [7, 0, 3, 0] },
    { line: 3, function: 'valid_type', count: 7, branches: [] },
    { line: 12, function: 'update_mtrr', count: 0, branches: [0, 0] },
  ],
};
const OTHER: CountedFile = {
  path: 'virt/kvm/dirty_ring.c',
  functions: [{ name: 'ring', start: 1, end: 3, count: 0 }],
  lines: [{ line: 2, function: 'ring', count: 0, branches: [] }],
};
const source = (_: string, line: number) => `\tif (line == ${line})`;

test('files and functions with their share, and what functions that decide did not do', () => {
  expect(codeText([MTRR, OTHER], source)).toBe(`file                   lines        branches
arch/x86/kvm/mtrr.c      2/3  66 %       2/6   33 %
virt/kvm/dirty_ring.c    0/1   0 %       0/0  100 %

function            lines         branches
MTRRs and the PAT:
  valid_type          2/2  100 %       2/4  50 %
  update_mtrr         0/1    0 %       0/2   0 %

What these functions did not do, at 2 lines:
  arch/x86/kvm/mtrr.c:2  branches 2, 4 of 4 not taken: if (line == 2)
  arch/x86/kvm/mtrr.c:12  never ran: if (line == 12)
`);
});

const diff = (hunk: string): string => `--- a/arch/x86/kvm/mtrr.c\t2020
+++ b/arch/x86/kvm/mtrr.c\t2020
@@ ${hunk} @@
+ code
`;

test.each([
  ['-2,0 +2', [2]],
  ['-2 +2,3', [2, 3, 4]],
  ['-2,3 +11,0', [11, 12]],
])('a hunk %s touches lines %j', (hunk, lines) => {
  expect([...(changedLines(diff(hunk)).get(MTRR.path) ?? [])]).toEqual(lines);
});

test('of a patch that ran in part the rest is named', () => {
  expect(
    patchText(diff('-2,0 +2,2'), [MTRR], source),
  ).toBe(`Of the patch 2 of 2 lines ran, and 2 of 4 branches were taken.
  arch/x86/kvm/mtrr.c:2  branches 2, 4 of 4 not taken: if (line == 2)
`);
});

test('a patch that was never executed is told so in the last line', () => {
  expect(
    patchText(diff('-2,0 +12'), [MTRR], source),
  ).toBe(`Of the patch 0 of 1 lines ran, and 0 of 2 branches were taken.
  arch/x86/kvm/mtrr.c:12  never ran: if (line == 12)
The patch was never executed: no scenario came to a line of it.
`);
});

test('a patch without code of KVM', () => {
  expect(patchText(diff('-2,0 +5'), [MTRR], source)).toBe(
    'The patch touches no line of KVM that has code.\n',
  );
});

test('LCOV has a record for each file; branches of a line that never ran are no numbers', () => {
  expect(lcovOf('/source', [MTRR])).toBe(`TN:
SF:/source/arch/x86/kvm/mtrr.c
FN:1,valid_type
FN:10,update_mtrr
FNDA:7,valid_type
FNDA:0,update_mtrr
BRDA:2,0,0,7
BRDA:2,0,1,0
BRDA:2,0,2,3
BRDA:2,0,3,0
BRDA:12,1,0,-
BRDA:12,1,1,-
DA:2,7
DA:3,7
DA:12,0
end_of_record
`);
});
