import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check, findings } from '../../../test/support/check.js';

let folder = '';
let files = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-check-from-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Options that read files of these lines. */
const from = (...texts: readonly string[][]): string[] =>
  texts.flatMap((lines) => {
    const path = join(folder, `${files++}.txt`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return ['--from', path];
  });

const DMA = ['--policy', '6.1', '--noncoherent'];
const IOMEM = [
  '00001000-0009ffff : System RAM',
  '000a0000-000bffff : PCI Bus 0000:00',
  '00100000-3fffffff : System RAM',
  'c0000000-febfffff : PCI Bus 0000:00',
];
const PROC = [
  'reg00: base=0x000000000 (    0MB), size= 1024MB, count=1: write-back',
  'reg01: base=0x0c0000000 ( 3072MB), size= 1024MB, count=1: uncachable',
];
/** Default WB, UC from 3 GiB to 4 GiB. */
const PAIR = ['0x200: 0xc0000000', '0x201: 0xffc0000800'];
const FIRST_8 = '0x250: 0x0606060606060606';

describe('check --from what does not tell the fixed ranges', () => {
  it.each<[string, string[][], string[], string[]]>([
    ['a list with FE=1 and no fixed MSR', [['0x2ff: 0xc06', ...PAIR], IOMEM], [], []],
    ['/proc/mtrr, which tells neither them nor whether they are on', [PROC, IOMEM], [], []],
    ['a log of the default type alone', [['MTRR default type: write-back', ...PAIR], IOMEM], [], []],
    [
      'a list with one of them: what that covers is told',
      [['0x2ff: 0xc06', '0x250: 0', ...PAIR], IOMEM],
      [],
      ['error ram-type 0x1000-0x7ffff'],
    ],
    ['FE=0: there are none', [['0x2ff: 0x806', ...PAIR], IOMEM], [], ['warning mmio-type 0xa0000-0xbffff']],
    [
      'a log that says that they are off',
      [['MTRR default type: write-back', 'MTRR fixed ranges disabled:', ...PAIR], IOMEM],
      [],
      ['warning mmio-type 0xa0000-0xbffff'],
    ],
    ['an option that says so', [PROC, IOMEM], ['--mtrr', 'def=UC'], ['warning mmio-type 0xa0000-0xbffff']],
    [
      'vCPUs of which one alone tells them',
      [['CPU 0', '0x2ff: 0xc06', FIRST_8, 'CPU 1', '0x2ff: 0xc06']],
      [],
      [],
    ],
    [
      'vCPUs that differ in what both tell',
      [['CPU 0', '0x2ff: 0xc06', FIRST_8, 'CPU 1', '0x2ff: 0xc06', '0x250: 0']],
      [],
      ['error vcpus-differ'],
    ],
  ])('%s', async (_, texts, options, expected) => {
    const { found, status } = await findings(...DMA, ...from(...texts), ...options);
    expect(found).toEqual(expected);
    expect(status ?? 0).toBe(expected.some((finding) => finding.startsWith('error')) ? 1 : 0);
  });
});

/** A row of QEMU's flat view. */
const row = (first: string, last: string, type: string, name: string): string =>
  `  ${first.padStart(16, '0')}-${last.padStart(16, '0')} (prio 0, ${type}): ${name} KVM`;
const view = (...rows: string[]): string[] => ['FlatView #1', ' AS "memory", root: system', ...rows];
/** 3 GiB below 4 GiB and VGA, as on QEMU's pc machine. */
const LOW = [
  row('0', '9ffff', 'ram', 'pc.ram'),
  row('a0000', 'affff', 'ram', 'vga.vram'),
  row('c0000', 'dffff', 'rom', 'pc.ram @00000000000c0000'),
  row('100000', 'bfffffff', 'ram', 'pc.ram @0000000000100000'),
  row('fd000000', 'fdffffff', 'ram', 'vga.vram'),
  row('febf0000', 'febf0fff', 'i/o', 'vga.mmio'),
  row('fec00000', 'fec00fff', 'i/o', 'ioapic'),
  row('ffc00000', 'ffffffff', 'romd', 'system.flash0'),
];
const above4G = (name: string): string => row('100000000', '13fffffff', 'ram', name);
const OVMF = ['--mtrr', 'def=WB,fe=1', '--mtrr', 'fix=WB@0+640K', '--mtrr', '0=UC@3G+1G'];
/** All above 4 GiB is UC. */
const UC_HIGH = [
  '--mtrr',
  'def=UC,fe=1',
  '--mtrr',
  'fix=WB@0+640K',
  '--mtrr',
  '0=WB@0+2G',
  '--mtrr',
  '1=WB@2G+1G',
];

describe("check --from QEMU's view of memory", () => {
  it.each<[string, string[], string[], string[]]>([
    ['the VGA BAR is UC, as it should be', [...LOW, above4G('pc.ram')], OVMF, []],
    [
      'RAM above 4 GiB that is UC',
      [...LOW, above4G('pc.ram')],
      UC_HIGH,
      ['error ram-type 0x100000000-0x13fffffff'],
    ],
    [
      'a NUMA node there',
      [...LOW, above4G('ram-node1')],
      UC_HIGH,
      ['error ram-type 0x100000000-0x13fffffff'],
    ],
    ['a DIMM, or the BAR of ivshmem: not told', [...LOW, above4G('mem1')], UC_HIGH, []],
    [
      'the PCI hole is WB: one finding',
      LOW,
      ['--mtrr', 'def=WB,fe=1', '--mtrr', 'fix=WB@0+640K'],
      ['warning mmio-type 0xc0000000-0xffbfffff'],
    ],
    [
      "a machine's RAM of any name, over the VGA window too",
      [row('0', '3fffffff', 'ram', 'mine')],
      ['--mtrr', 'def=UC'],
      ['error ram-type 0x0-0x9ffff'],
    ],
    [
      'a BAR of a passed-through device in the hole, by its name',
      [...LOW, row('e0000000', 'e0ffffff', 'ramd', '0000:01:00.0 BAR 1 mmaps[0]')],
      [...UC_HIGH, '--mtrr', '2=WB@0xe0000000+16M'],
      ['warning mmio-type 0xe0000000-0xe0ffffff'],
    ],
  ])('%s', async (_, rows, options, expected) => {
    const { found, status } = await findings(...DMA, ...from(view(...rows)), ...options);
    expect(found).toEqual(expected);
    expect(status ?? 0).toBe(expected.some((finding) => finding.startsWith('error')) ? 1 : 0);
  });

  it('counts what the guest was told before it', async () => {
    const e820 = ['BIOS-e820: [mem 0x0000000000100000-0x00000000bfffffff] usable'];
    expect((await findings(...DMA, ...from(e820, view(...LOW)), ...OVMF)).found).toEqual([]);
  });

  it('--solve wants the whole PCI hole UC', async () => {
    const { out } = await check('--solve', '--format', 'json', ...from(view(...LOW)));
    expect(JSON.parse(out).pairs).toContainEqual({ type: 'UC', base: '0xc0000000', size: '0x40000000' });
  });
});
