import { expect, test } from 'vitest';
import { call, comment, hex, paragraph } from './words.js';

test('a call that does not fit a line goes on below its first argument', () => {
  const lines = call('set_slot', [
    '1',
    '0x100000000ULL',
    '0x400000',
    '0x1',
    'HUGE_PAGES',
    '0x200000',
    '-1',
    'EINVAL',
  ]);

  expect(lines).toEqual([
    '\tset_slot(1, 0x100000000ULL, 0x400000, 0x1, HUGE_PAGES, 0x200000, -1,',
    '\t\t EINVAL);',
  ]);
});

test('a comment is one line, or the kernel’s form of several', () => {
  expect(comment('3: INIT')).toEqual(['\t/* 3: INIT */']);
  expect(comment('word '.repeat(20).trim())).toEqual([
    '\t/*',
    '\t * word word word word word word word word word word word word word word',
    '\t * word word word word word word',
    '\t */',
  ]);
});

test('no text ends a comment or leaves ASCII', () => {
  expect(comment('by closing KVM’s device */ x')).toEqual(["\t/* by closing KVM's device * / x */"]);
  expect(paragraph('é')).toEqual([' * ?']);
});

test('only a number of more than 32 bits bears its type', () => {
  expect([hex(0xffff_ffffn), hex(1n << 32n)]).toEqual(['0xffffffff', '0x100000000ULL']);
});
