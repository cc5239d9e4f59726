import { expect, test } from 'vitest';
import { walkOf } from './walk.js';

const PAT = 0x0007_0406_0007_0406n;
/** What Bochs 2.7 traced of a read at 0 by the probe, of the last levels. */
const TRACE = [
  'Memory-Tracing enabled for CPU0',
  '[CPU0 WR]: LIN 0x0000000001027f68 PHY 0x000007f16f68 (len=8, WB): 0x00000000 0x01000636',
  '[CPU0 RD]: PHY 0x000002041020 (len=8, WB): 0x06000000 0x00DC3B77\t; EPT PTE',
  '[CPU0 RD]: PHY 0x000000dc3000 (len=8, WB): 0x00000000 0x000000A3\t; PDE',
  '[CPU0 RD]: PHY 0x000002044000 (len=8, WB): 0x00000000 0x02043907\t; EPT PML4E',
  '[CPU0 RD]: PHY 0x000002043000 (len=8, WB): 0x00000000 0x02042907\t; EPT PDPTE',
  '[CPU0 RD]: PHY 0x000002042000 (len=8, WB): 0x00000000 0x02040907\t; EPT PDE',
  '[CPU0 RD]: PHY 0x000002040000 (len=8, WB): 0x06000000 0x07E92B77\t; EPT PTE',
  '[CPU0 RD]: LIN 0x0000000000000000 PHY 0x000007e92000 (len=4, WB): 0x000000C3',
];

test('the last entry of EPT maps the page, the last of the guest’s own the address', () => {
  expect(walkOf(`${TRACE.join('\n')}\n`, PAT)).toEqual({
    pte: 0xa3n,
    pteLevel: 2,
    epte: 0x0600_0000_07e9_2b77n,
    level: 1,
    host: 0x7e9_2000n,
    pat: PAT,
  });
});

test('a large page is mapped by an entry of a higher level', () => {
  const large = TRACE.filter((line) => !line.includes('0x07E92B77'));

  expect(walkOf(large.join('\n'), PAT)).toMatchObject({ epte: 0x0204_0907n, level: 2 });
});

test.each([
  ['nothing', []],
  ['an access without a walk', TRACE.slice(-1)],
  ['a walk without an access', TRACE.slice(0, -1)],
  ['no entry of EPT before the access', [...TRACE.slice(0, 4), ...TRACE.slice(-1)]],
  ['no entry of the guest’s', TRACE.filter((line) => !line.endsWith('; PDE'))],
])('%s is no walk', (_, lines) => {
  expect(() => walkOf(lines.join('\n'), PAT)).toThrow(expect.objectContaining({ code: 'WALK' }));
});
