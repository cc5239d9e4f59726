import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain, explainJson } from '../../../test/support/explain.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-from-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
function file(...lines: string[]): string {
  const path = join(folder, `${files++}.txt`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const DMA = ['--policy', '6.1', '--noncoherent', '--format', 'json'];
const map = async (...args: string[]): Promise<string[]> =>
  JSON.parse(await explain(...DMA, ...args)).map.map(
    ({ start, end, effective }: { start: string; end: string; effective: string }) =>
      `${start}-${end} ${effective}`,
  );

/** Four UC pairs over WB, 46 address bits: UC [0xc0000000, 0xfc000000), else WB (from a public report). */
const FOUR_PAIRS = [
  ...[
    '0x2ff: 0x806',
    '0x200: 0xf8000000',
    '0x201: 0x3ffffc000800',
    '0x202: 0xf0000000',
    '0x203: 0x3ffff8000800',
  ],
  ...['0x204: 0xe0000000', '0x205: 0x3ffff0000800', '0x206: 0xc0000000', '0x207: 0x3fffe0000800'],
];

describe('explain --from', () => {
  it('reads a list of MSRs, and takes MAXPHYADDR from a mask', async () => {
    const path = file(...FOUR_PAIRS);
    expect(await map('--from', path, '--map')).toEqual([
      '0x0-0xc0000000 WB',
      '0xc0000000-0xfc000000 UC',
      '0xfc000000-0x400000000000 WB',
    ]);
    const { read } = JSON.parse(await explain(...DMA, '--from', path, '--gpa', '0'));
    expect(read.assumed).toEqual([
      'MAXPHYADDR is 46, the highest bit of a mask: --maxphyaddr says otherwise',
    ]);
    expect(read.lines[0]).toEqual({
      file: path,
      line: 1,
      format: 'list of MSRs',
      facts: ['MSR 0x2ff (IA32_MTRR_DEF_TYPE) = 0x806'],
    });
    await expect(explain('--from', path, '--maxphyaddr', '45', '--map')).rejects.toThrow(
      new RegExp(`^${path}:3: writing 0x3ffffc000800 to MSR 0x201 .* would fault: bit 45 lies`),
    );
  });

  it('tells what it read, and what it did not understand', async () => {
    const text = await explain('--from', file('0x2ff: 0x806', 'what?'), '--gpa', '0');
    expect(text).toMatch(
      /^read\n {2}\S+:1 {2}list of MSRs {2}MSR 0x2ff .* = 0x806\nnot understood\n {2}\S+:2 {2}what\?\n\ngpa 0x0, /,
    );
    expect(await explain('--from', file('what?'), '--gpa', '0')).toMatch(
      /^nothing was read\nnot understood\n/,
    );
    expect(await explain('--from', file(...new Array(15).fill('what?')), '--gpa', '0')).toMatch(
      /: 5 more lines\n/,
    );
  });

  it('puts logs and lists together', async () => {
    const log = file(
      '[    0.000000] MTRR default type: write-back',
      '[    0.000000] MTRR variable ranges enabled:',
      '[    0.000000]   0 base 0000C0000000 mask 3FFFC0000000 uncachable',
    );
    const iomem = file('00000000-bfffffff : System RAM', 'e0000000-efffffff : Reserved');
    const lspci = file(
      '01:00.0 VGA compatible controller: GPU',
      '\tRegion 0: Memory at d0000000 (32-bit, prefetchable) [size=256M]',
    );
    const answer = JSON.parse(
      await explain(...DMA, '--from', log, '--from', iomem, '--from', lspci, '--gpa', '0..4G'),
    );
    expect(
      answer.map.map(({ slot, effective }: { slot: string; effective?: string }) => [slot, effective]),
    ).toEqual([
      ['System RAM', 'WB'],
      [null, undefined],
      ['01:00.0 BAR 0', 'UC'],
      [null, undefined],
    ]);
  });

  it('takes /proc/mtrr with a default that it does not tell', async () => {
    const path = file('reg00: base=0x000000000 (    0MB), size= 1024MB, count=1: write-back');
    expect(await map('--from', path, '--gpa', '0..2G')).toEqual([
      '0x0-0x40000000 WB',
      '0x40000000-0x80000000 UC',
    ]);
    expect(await explain('--from', path, '--gpa', '0')).toMatch(
      /taken for granted\n.*default type is UC, which \/proc\/mtrr does not tell/,
    );
    expect(await map('--from', path, '--mtrr', 'def=WT', '--gpa', '1G..2G')).toEqual([
      '0x40000000-0x80000000 WT',
    ]);
  });

  it('takes MTRRs that are on for granted where a list has ranges and no default', async () => {
    const path = file('0x200: 0x6', '0x201: 0xfc0000800');

    expect(await map('--from', path, '--gpa', '0..2G')).toEqual([
      '0x0-0x40000000 WB',
      '0x40000000-0x80000000 UC',
    ]);
    expect(await explain(...DMA, '--from', path, '--gpa', '0')).toMatch(
      /default type is UC, which no line tells: --mtrr def=… does/,
    );
    expect(await map('--from', path, '--msr', '0x2ff=0', '--gpa', '0..2G')).toEqual(['0x0-0x80000000 UC']);
  });

  it('says which fixed ranges it takes for granted', async () => {
    const assumed = async (...args: string[]): Promise<string[]> =>
      JSON.parse(await explain(...DMA, ...args, '--gpa', '0')).read.assumed;
    const list = ['--from', file('0x2ff: 0xc06', '0x250: 0x0606060606060606')];
    expect(await assumed(...list)).toEqual([
      expect.stringMatching(/^fixed ranges 0x80000-0xfffff are not told: they are taken for UC/),
    ]);
    expect(await assumed(...list, '--mtrr', 'fix=WB@0+1M')).toEqual([]);
    expect(await assumed(...list, '--msr', '0x2ff=0x806')).toEqual([]);
    const proc = ['--from', file('reg00: base=0x000000000 (    0MB), size= 1024MB, count=1: write-back')];
    const off = expect.stringMatching(/^whether fixed ranges are on is not told/);
    expect(await assumed(...proc)).toEqual([expect.anything(), off]);
    expect(await assumed(...proc, '--mtrr', 'def=UC')).not.toContainEqual(off);
    const log = ['MTRR default type: write-back', 'MTRR fixed ranges disabled:'];
    expect(await assumed('--from', file(...log))).toEqual([]);
    expect(await assumed('--from', file('0-fff : System RAM'), '--msr', '0x2ff=0xc06')).not.toContainEqual(
      expect.stringMatching(/fixed/),
    );
  });

  it('reads several processors', async () => {
    const path = file('# rdmsr -a 0x2ff', '805', '0', '0', '0');
    expect(JSON.parse(await explain(...DMA, '--from', path, '--gpa', '1M')).first).toMatchObject([
      { who: 'vCPU 0', type: 'WP' },
      { who: 'vCPUs 1-3', type: 'UC' },
    ]);
    const registers = file('CPU#0', 'CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000');
    expect(JSON.parse(await explain(...DMA, '--from', registers, '--gpa', '0'))).toMatchObject({
      type: 'WB',
      ipat: true,
    });
  });

  it('leaves out what a guest of KVM has not, and says so', async () => {
    const path = file('0xfe: 0xd0a', '0x210: 0x6', '0x1a0: 0x1', '0x2ff: 0x806');
    const { read } = JSON.parse(await explain(...DMA, '--from', path, '--gpa', '0'));
    expect(read.assumed).toEqual([
      `${path}:1: MTRRcap tells 10 pairs: a guest of KVM has 8`,
      expect.stringMatching(/:2: MSR 0x210 is left out: VCNT in MTRRcap is 8/),
    ]);
  });

  it('takes what two files tell alike once', async () => {
    const e820 = file('BIOS-e820: [mem 0x0000000000000000-0x000000003fffffff] usable');
    const iomem = file('00000000-3fffffff : System RAM', '40000000-40000fff : System RAM');
    expect(await map('--from', e820, '--from', iomem, '--gpa', '0..2G')).toHaveLength(3);
  });

  it.each([
    [
      'QEMU’s memory',
      [' AS "memory", root: system', '  0000000000000000-000000000009ffff (prio 0, ram): \u001b[2Jevil KVM'],
    ],
    ['/proc/iomem', ['00000000-0009ffff : \u001b[2Jevil\u202e']],
    ['what is not understood', ['\u009b2Jevil']],
  ])('shows nothing that a terminal would act on: %s', async (_, lines) => {
    const path = join(folder, '\u001b[31mname\nof file');
    writeFileSync(path, `${lines.join('\n')}\n`);

    const text = await explain('--from', path, '--gpa', '0');
    const json = await explain('--from', path, '--gpa', '0', '--format', 'json');

    expect(text).toContain('evil');
    expect(text).toMatch(/\\x1b\[31mname of file:\d/);
    expect(text + json).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it('says why a line cannot be used', async () => {
    const path = file('00000000-00000000 : System RAM');
    const why = 'to all but root every address is 0: read /proc/iomem as root';

    expect(await explain('--from', path, '--gpa', '0')).toContain(
      `nothing was read\nnot understood\n  ${path}:1  00000000-00000000 : System RAM: ${why}\n`,
    );
    expect((await explainJson('--from', path, '--gpa', '0')).read.notUnderstood).toMatchObject([{ why }]);
  });

  it('takes a number of address bits that no guest has for none', async () => {
    const path = file('address sizes\t: 99 bits physical, 48 bits virtual', '0x201: 0x3fffc0000800');

    const { read } = await explainJson('--from', path, '--gpa', '0');

    expect(read.notUnderstood).toMatchObject([{ line: 1, why: expect.stringMatching(/36 to 52 bits/) }]);
    expect(read.assumed[0]).toMatch(/^MAXPHYADDR is 46/);
  });

  it.each([
    ['reg03: base=0x000000000 (    0MB), size=    3MB, count=1: uncachable', /range 3: the size must be/],
    [
      'reg09: base=0x000000000 (    0MB), size=    4MB, count=1: uncachable',
      /range 9: there are ranges 0 to 7/,
    ],
    [
      'reg00: base=0x10000000000 (1048576MB), size=    4MB, count=1: uncachable',
      /bit 40 lies .*; --maxphyaddr 41 allows the write$/,
    ],
    ['00000-12345 write-back', /fixed ranges from 0x0: the span is not made of whole ones/],
  ])('tells the file and line of %j', async (line, message) => {
    const path = file('what?', line);

    const answer = explain('--from', path, '--gpa', '0');

    await expect(answer).rejects.toThrow(message);
    await expect(answer).rejects.toThrow(`${path}:2: `);
  });

  it.each([
    [['--from', '/no/such/file'], /there is no such file/],
    [['--from', '-', '--from', '-'], /standard input can be read once/],
  ])('refuses %j', async (args, message) => {
    await expect(explain('--gpa', '0', ...args)).rejects.toThrow(message);
  });

  it('refuses what no guest has', async () => {
    await expect(explain('--gpa', '0', '--from', file('cpu9999: 0x2ff: 0'))).rejects.toThrow(
      /:1: no guest has so many CPUs$/,
    );
    await expect(explain('--gpa', '0', '--from', file('0x2ff: 0x2'))).rejects.toThrow(
      /:1: writing 0x2 .* would fault: byte 0 is 2/,
    );
    const areas = Array.from(
      { length: 4097 },
      (_, i) =>
        `${(i * 8192 + 0x10000000).toString(16)}-${(i * 8192 + 0x10000fff).toString(16)} : System RAM`,
    );
    await expect(explain('--gpa', '0', '--from', file(...areas))).rejects.toThrow(/more than 4096 areas/);
  });
});
