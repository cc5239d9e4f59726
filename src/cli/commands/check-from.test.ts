import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findings } from '../../../test/support/check.js';

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
