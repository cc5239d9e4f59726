import { describe, expect, test } from 'vitest';
import { Bus } from './bus.js';

function recorder() {
  const seen: [string, number, number, number?][] = [];
  return {
    seen,
    read: (offset: number, size: number) => {
      seen.push(['read', offset, size]);
      return offset + 1;
    },
    write: (offset: number, size: number, value: number) => {
      seen.push(['write', offset, size, value]);
    },
  };
}

describe('Bus', () => {
  test('an access reaches the device of its range, with the offset in it', () => {
    const bus = new Bus();
    const [a, b] = [recorder(), recorder()];
    bus.register(0x3f8, 8, a);
    bus.register(0x400, 1, b);

    bus.write(0x3f8, 1, 65);
    bus.write(0x400, 1, 66);
    const value = bus.read(0x3ff, 1);

    expect(value).toBe(8);
    expect(a.seen).toEqual([
      ['write', 0, 1, 65],
      ['read', 7, 1],
    ]);
    expect(b.seen).toEqual([['write', 0, 1, 66]]);
  });

  test('nobody answers with ones and is counted', () => {
    const bus = new Bus();

    expect([1, 2, 4].map((size) => bus.read(0x80, size))).toEqual([0xff, 0xffff, 0xffffffff]);
    bus.write(0x80, 1, 0);

    expect(bus.unclaimed).toBe(4);
  });

  test('addresses above 4 GiB work', () => {
    const bus = new Bus();
    bus.register(2 ** 40, 0x1000, recorder());

    expect(bus.read(2 ** 40 + 4, 4)).toBe(5);
  });

  test.each([
    ['an overlap', 0x3ff, 1],
    ['an empty range', 0x100, 0],
    ['a negative base', -1, 4],
    ['a range past 2^53', 2 ** 53 - 1, 16],
  ])('%s is refused', (_, base, size) => {
    const bus = new Bus();
    bus.register(0x3f8, 8, recorder());

    expect(() => bus.register(base, size, recorder())).toThrow(
      expect.objectContaining({ code: 'VMM_BUS_RANGE' }),
    );
  });
});
