import { expect, test } from 'vitest';
import { parseZapCalls } from './zap-calls.js';

const entry =
  '            node-77      [000] .....     5.000100: zap: (kvm_zap_gfn_range+0x0/0x1a0) start=0x0 end=0x10000000000';
const exit =
  '            node-77      [000] .....     5.000350: zapped: (update_mtrr+0x8c/0xb0 <- kvm_zap_gfn_range)';

test('an entry and its return are one call with its time', () => {
  expect(parseZapCalls(`${entry}\n${exit}\n`)).toEqual([{ start: 0n, end: 0x100_0000_0000n, ns: 250_000 }]);
});

test.each([
  ['two entries', `${entry}\n${entry}`],
  ['a return alone', exit],
  ['lost events', 'CPU:0 [LOST 3 EVENTS]'],
])('%s is an error', (_name, text) => {
  expect(() => parseZapCalls(text)).toThrowError(expect.objectContaining({ code: 'TRACE' }));
});
