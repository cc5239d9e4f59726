import { expect, test } from 'vitest';
import { call, callWith, hex, paragraph } from './words.js';

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

test('text is one argument, in pieces that fit their lines', () => {
  expect(callWith('step', ['3'], 'INIT')).toEqual(['\tstep(3, "INIT");']);
  expect(callWith('step', ['3'], 'word '.repeat(20).trim())).toEqual([
    '\tstep(3, "word word word word word word word word word word word word "',
    '\t     "word word word word word word word word");',
  ]);
});

test('no text ends a string or a comment, or leaves ASCII', () => {
  expect(callWith('step', ['1'], 'a "b" \\ é')).toEqual(['\tstep(1, "a \\"b\\" \\\\ ?");']);
  expect(paragraph('KVM’s */ é')).toEqual([" * KVM's * / ?"]);
});

test('only a number of more than 32 bits bears its type', () => {
  expect([hex(0xffff_ffffn), hex(1n << 32n)]).toEqual(['0xffffffff', '0x100000000ULL']);
});
