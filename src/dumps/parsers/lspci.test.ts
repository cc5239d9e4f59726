import { expect, it } from 'vitest';
import { areasOf, namedIn } from '../../../test/support/dumps.js';

const REGION = '\tRegion 0: Memory at f6000000 (32-bit, non-prefetchable) [size=16M]';
const BAR0 = 'f6000000+1000000';

it.each([
  ['65:00.0 3D controller: NVIDIA Corporation Device', '65:00.0'],
  ['65:00.0 3D controller [0302]: NVIDIA Corporation Device [10de:2236] (rev a1)', '65:00.0'],
  ['0000:65:00.0 3D controller: NVIDIA Corporation Device', '0000:65:00.0'],
  ['0000:65:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:2236]', '0000:65:00.0'],
  ['10000:e1:00.0 Non-Volatile memory controller: Intel Corporation Device', '10000:e1:00.0'],
  ['65:00.0 0302: 10de:2236 (rev a1)', '65:00.0'],
])('reads the header %j', (header, device) => {
  const text = `${header}\n${REGION}`;

  expect(namedIn(text)).toEqual([]);
  expect(areasOf(text)).toEqual([`bar ${BAR0} ${device} BAR 0`]);
});

it('tells BARs of one device from those of the next', () => {
  const text = [
    '01:00.0 VGA compatible controller: Some GPU',
    '\tMemory at e0000000 (64-bit, prefetchable) [size=256M]',
    '65:00.0 3D controller: NVIDIA Corporation Device',
    '\tMemory at f6000000 (32-bit, non-prefetchable) [size=16M]',
    '\tMemory at 18000000000 (64-bit, prefetchable) [size=1T]',
  ].join('\n');

  expect(areasOf(text)).toEqual([
    'bar e0000000+10000000 01:00.0 BAR 0',
    `bar ${BAR0} 65:00.0 BAR 0`,
    'bar 18000000000+10000000000 65:00.0 BAR 1',
  ]);
});

it.each([
  ['Region 0: [virtual] Memory at f6000000 (32-bit, non-prefetchable) [size=16M]'],
  ['[virtual] Memory at f6000000 (32-bit, non-prefetchable) [size=16M]'],
  ['Region 0: Memory at f6000000 (64-bit, prefetchable) [virtual] [size=16M]'],
  ['Region 0: Memory at f6000000 (64-bit, prefetchable) [size=16M] [enhanced]'],
])('reads %j', (bar) => {
  expect(areasOf(`01:00.0 VGA compatible controller: GPU\n\t${bar}`)).toEqual([`bar ${BAR0} 01:00.0 BAR 0`]);
});

it.each([
  ['Region 0: Memory at f6000000 (32-bit, non-prefetchable) [disabled] [size=16M]', /does not decode/],
  ['Memory at f6000000 (32-bit, non-prefetchable) [disabled] [size=16M]', /does not decode/],
  ['Region 0: Memory at <unassigned> (32-bit, non-prefetchable) [size=16M]', /no address/],
  ['Region 0: Memory at <ignored> (64-bit, prefetchable)', /no address/],
])('names %j', (bar, why) => {
  const text = `01:00.0 VGA compatible controller: GPU\n\t${bar}`;

  expect(areasOf(text)).toEqual([]);
  expect(namedIn(text)).toEqual([[2, expect.stringMatching(why)]]);
});
