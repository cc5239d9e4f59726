import { expect, test } from 'vitest';
import { SnapshotError } from './errors.js';
import { hostOffset, type Saved, trims } from './trim.js';

const saved = (log: string, written: readonly number[] = []): Saved => ({
  log,
  written: new Set(written),
  job: { address: 4 * 0x20000, size: 0x20000 },
});

const LOG = `00000000000i[PLUGIN] init_dev of 'pci' plugin device by virtual method
00000000000i[PLUGIN] init_dev of 'unmapped' plugin device by virtual method
00000000000i[PLUGIN] init_dev of 'e1000' plugin device by virtual method
`;

test('devices are made in the order of the first start, and no RAM is loaded again', () => {
  const config =
    'a: b\noptramimage1: file="ram.img", address=0x00100000\nplugin_ctrl: e1000=true, unmapped=true\nc: d\n';

  expect(trims.config(config, saved(LOG))).toBe(
    'a: b\noptramimage1: file=none\nplugin_ctrl: unmapped=true, e1000=true\nc: d\n',
  );
});

test.each([
  ['a device that the log does not name', 'plugin_ctrl: e1000=true, extfpuirq=true\n'],
  ['no devices', 'a: b\n'],
])('a machine with %s is not kept', (_, config) => {
  expect(() => trims.config(config, saved(LOG))).toThrow(SnapshotError);
});

test('blocks that were never used or hold zeros are left out, but for those of the job', () => {
  const blocks = (lines: string, used: number): string =>
    `memory = {\n  used_blocks = ${used}\n  mapping = {\n${lines}  }\n}\n`;
  const memory = blocks(
    '    blk0 = 3\n    blk1 = -1\n    blk2 = 0\n    blk3 = 5\n    blk4 = 4\n    blk5 = 6\n',
    7,
  );

  expect(trims.memory(memory, saved('', [0, 3]))).toBe(
    blocks('    blk0 = 3\n    blk2 = 0\n    blk4 = 4\n', 5),
  );
});

test('TLBs are left out', () => {
  const cpu =
    '  a = 1\n  DTLB = {\n    0 = {\n      b = 2\n    }\n  }\n  ITLB = {\n    c = 3\n  }\n  d = 4\n';

  expect(trims.cpu0(cpu, saved(''))).toBe('  a = 1\n  d = 4\n');
});

const MEMORY = '    blk15 = 2\n    blk16 = 40\n    blk17 = 41\n    blk18 = 43\n';

test('a place in RAM is found in Bochs’ memory', () => {
  expect(hostOffset(MEMORY, 16 * 0x20000, 2 * 0x20000)).toBe(40 * 0x20000);
});

test.each([
  ['is in two pieces', 16, 3],
  ['was never used', 18, 2],
])('a place that %s is refused', (_, first, count) => {
  expect(() => hostOffset(MEMORY, first * 0x20000, count * 0x20000)).toThrow(SnapshotError);
});
