import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../memtype/index.js';
import { checkCommand } from './check.js';

let out = '';
let status: typeof process.exitCode;

beforeEach(() => {
  status = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = status;
});

async function check(...args: string[]): Promise<string> {
  out = '';
  const command = checkCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  await command.parseAsync(args, { from: 'user' });
  return out;
}

/** Severity and rule of each finding. */
const found = async (...args: string[]): Promise<string[]> =>
  JSON.parse(await check('--format', 'json', ...args)).findings.map(
    ({ severity, rule }: Finding) => `${severity} ${rule}`,
  );

const msrs = (...writes: string[]): string[] => writes.flatMap((write) => ['--msr', write]);
const DMA = ['--policy', '6.1', '--noncoherent'];
/** 3 GiB below the hole, the rest above 4 GiB. */
const RAM = ['--slot', 'low=0+3G', '--slot', 'high=4G+1G'];
const FIXED = ['--mtrr', 'fix=WB@0+640K'];

/** 96 GiB, 46 bits: bases that are not aligned to their masks, and a mask that matches all (from a public report). */
const UNALIGNED = [
  ...['0x2ff=0x800', '0x200=0x6', '0x201=0x3ffff8000800', '0x202=0x8000006', '0x203=0x3fff00000800'],
  ...['0x204=0x100000006', '0x205=0x3ff000000800', '0x206=0x1000000006', '0x207=0x380000000800'],
  ...['0x208=0x80000000006', '0x209=0x800'],
];

describe('check', () => {
  it.each<[string, string[], string[], number]>([
    [
      'OVMF: WB with UC over the hole',
      [...DMA, ...FIXED, '--mtrr', 'def=WB,fe=1', '--mtrr', '0=UC@3G+1G', ...RAM],
      [],
      0,
    ],
    [
      'SeaBIOS: the same, the last 16 MiB apart',
      [...DMA, '--mtrr', 'def=WB', '--mtrr', '0=UC@3G+1G', ...RAM],
      [],
      0,
    ],
    [
      'a 64-bit BAR that no pair covers',
      [...DMA, '--mtrr', 'def=WB', '--mtrr', '0=UC@3G+1G', ...RAM, '--slot', 'bar=512G+1G,pci-bar'],
      ['warning mmio-type', 'warning mmio-type'],
      0,
    ],
    [
      'a VMM that leaves MTRRs at 0',
      [...DMA, ...RAM],
      ['error mtrrs-off', 'error ram-type', 'error ram-type'],
      1,
    ],
    [
      'the same on 7.2',
      ['--policy', '7.2', '--noncoherent', ...RAM],
      ['warning ram-type', 'warning ram-type', 'note mtrrs-off'],
      0,
    ],
    ['the same without MTRRs in CPUID', [...DMA, '--no-mtrr-cpuid', '--slot', 'ram=0+4G'], [], 0],
    [
      'default WB for all, as Firecracker',
      [...DMA, ...msrs('0x2ff=0x806'), ...RAM],
      ['warning mmio-type'],
      0,
    ],
    [
      'fixed ranges on but left at 0',
      [...DMA, ...msrs('0x2ff=0xc06'), '--slot', 'ram=0+4G'],
      ['error ram-type'],
      1,
    ],
    [
      'UC over WB',
      [
        ...DMA,
        '--mtrr',
        'def=UC',
        '--mtrr',
        '0=WB@0+4G',
        '--mtrr',
        '1=UC@3G+1G',
        '--mtrr',
        '2=WB@4G+1G',
        ...RAM,
      ],
      ['error kernel-departs'],
      1,
    ],
    [
      'UC over WB, no device yet',
      ['--policy', '6.1', '--mtrr', 'def=UC', '--mtrr', '0=WB@0+4G', '--mtrr', '1=UC@3G+1G'],
      ['note kernel-departs'],
      0,
    ],
    [
      'UC over WB on 7.2',
      ['--policy', '7.2', '--noncoherent', '--mtrr', 'def=UC', '--mtrr', '0=WB@0+4G', '--mtrr', '1=UC@3G+1G'],
      [],
      0,
    ],
    [
      'bases that are not aligned',
      [...DMA, '--maxphyaddr', '46', ...msrs(...UNALIGNED), '--slot', 'low=0+3G', '--slot', 'high=4G+93G'],
      [...new Array(3).fill('warning base-alignment'), 'warning mask-empty', 'warning mmio-type'],
      0,
    ],
    [
      'a mask of 36 bits in a guest of 46',
      [...DMA, '--maxphyaddr', '46', ...msrs('0x2ff=0x806', '0x200=0xf80000000', '0x201=0xf80000800')],
      ['error mask-short', 'warning kernel-departs'],
      1,
    ],
    [
      'a mask with holes',
      [...DMA, ...msrs('0x2ff=0x806', '0x200=0x40000000', '0x201=0xffd0000800')],
      ['warning mask-holes', 'warning kernel-departs'],
      0,
    ],
    [
      'WC over WB',
      [...DMA, '--mtrr', 'def=UC', '--mtrr', '0=WB@0+4G', '--mtrr', '1=WC@3G+1G'],
      ['warning kernel-departs', 'warning undefined-overlap'],
      0,
    ],
    [
      'persistent memory that no pair covers',
      [
        ...DMA,
        '--mtrr',
        'def=UC',
        '--mtrr',
        '0=WB@0+2G',
        '--mtrr',
        '1=WB@2G+1G',
        '--slot',
        'ram=0+3G',
        '--slot',
        'pm=8G+1G,dax',
      ],
      ['warning pmem-type'],
      0,
    ],
    [
      'persistent memory by the default',
      [...DMA, '--mtrr', 'def=WB', '--mtrr', '0=UC@3G+1G', '--slot', 'ram=0+3G', '--slot', 'pm=8G+1G,dax'],
      [],
      0,
    ],
    ['vCPUs that differ', [...DMA, ...msrs('0x2ff=0x806', 'cpu1:0x2ff=0x800')], ['error vcpus-differ'], 1],
    ['PATs that differ', [...DMA, ...msrs('0x2ff=0x806', 'cpu1:0x277=0x6')], ['warning vcpus-differ'], 0],
    ['caches left off', [...DMA, ...msrs('0x2ff=0x806'), '--cd'], ['warning cache-disabled'], 0],
    ['a strange default', [...DMA, ...msrs('0x2ff=0x801')], ['warning default-type'], 0],
    [
      'more pieces than pairs',
      [
        ...DMA,
        ...msrs('0x2ff=0x806'),
        '--maxphyaddr',
        '46',
        ...[1, 3, 5, 7, 9, 11, 13, 15, 17, 19].flatMap((n) => ['--slot', `s${n}=${n}M+1M`]),
      ],
      ['warning mmio-type', 'warning too-many-pairs'],
      0,
    ],
  ])('%s', async (_name, args, findings, exitCode) => {
    const seen = await found(...args);
    expect([...new Set(seen)]).toEqual([...new Set(findings)]);
    expect(process.exitCode).toBe(exitCode);
  });

  it('names pair, rule, source and what to do', async () => {
    const text = await check(...DMA, '--maxphyaddr', '46', ...msrs(...UNALIGNED));
    expect(text).toMatch(/^policy A: /);
    expect(text).toMatch(
      /\nwarning base-alignment: pair 1 \(WB\): its base 0x8000000 is not aligned to its mask \(4G\): by the SDM it begins at 0x0, .*\n {4}rule: SDM, "Variable Range MTRRs"\n {4}do: align/,
    );
    expect(text).toMatch(/\nmemory is not told .*\n0 errors, 4 warnings, 0 notes\n$/);
    expect(text.match(/not aligned/g)?.length).toBe(3);
  });

  it('says that a restore may have lost the MTRRs', async () => {
    const text = await check(...DMA);
    expect(text).toMatch(
      /all MTRRs are 0, as after a reset, or a restore that left them out: .* all of its RAM UC/,
    );
    expect(text).toMatch(/KVM_GET_MSR_INDEX_LIST names no MTRR/);
  });

  it('tells what of a map is too long to be looked at', async () => {
    const text = await check(...DMA, '--maxphyaddr', '46', ...msrs('0x2ff=0x806', '0x200=0', '0x201=0x1800'));
    expect(text).toMatch(/error mask-short/);
    expect(text).toMatch(/note kernel-departs: not checked: the map has more than 5000 ranges/);
  });

  it('reads what people have', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-check-'));
    const path = join(folder, 'state.txt');
    writeFileSync(path, 'CPU 0\n0x2ff: 0x806\nCPU 1\n0x2ff: 0x0\n');
    expect(await check(...DMA, '--from', path)).toMatch(
      /^read\n.*\n.*\n\npolicy A: [\s\S]*\nerror vcpus-differ: vCPU 1 and vCPU 0 differ/,
    );
    rmSync(folder, { recursive: true });
  });
});

describe('check --solve', () => {
  /** 0-1M UC, 1M-0x8a000000 WB, up to 0xff000000 UC, 16M WP, UC from 4G on, WC [0xfc240000, +8K) (from a public report). */
  const WANTED = ['UC', 'WB@1M..0x8a000000', 'WP@0xff000000+16M', 'WC@0xfc240000+8K'].flatMap((want) => [
    '--want',
    want,
  ]);

  it('finds the fewest pairs', async () => {
    const text = await check('--solve', ...WANTED);
    expect(text).toMatch(/^default type UC \(MTRR_DEF_TYPE = 0x800\), 6 pairs\n/);
    expect(text).toMatch(/\n1 +UC +0x0-0xfffff +1M +0x0 +0xfffff00800\n/);
    expect(text).toMatch(/\nas options: --mtrr def=UC --mtrr 0=WB@0x0\+2G --mtrr 1=UC@0x0\+1M /);
    expect(text).toMatch(/with fixed ranges for the first MiB 5 pairs would do\n/);
    expect(process.exitCode).toBe(0);
    const data = JSON.parse(await check('--solve', ...WANTED, '--format', 'json'));
    expect([data.possible, data.pairs.length, data.msrs.length]).toEqual([true, 6, 13]);
  });

  it('makes what check finds right', async () => {
    const options = /as options: (.*)\n/.exec(await check('--solve', ...DMA, ...RAM))?.[1]?.split(' ') ?? [];
    expect(options.length).toBeGreaterThan(2);
    expect(await found(...DMA, ...RAM, ...options)).toEqual([]);
  });

  it('says when it cannot be done, and when the SDM alone would have it', async () => {
    const wants = ['--want', 'UC', '--want', 'WB@0..0xff800000', '--maxphyaddr', '46'];
    const text = await check('--solve', ...wants);
    expect(text).toMatch(/^cannot be done: it takes 9 pairs, and a guest of KVM has 8\n/);
    expect(text).toMatch(/by the SDM alone 2 pairs would do \(--sdm\)/);
    expect(process.exitCode).toBe(1);
    expect(await check('--solve', '--sdm', ...wants)).toMatch(/, 2 pairs\n/);
    expect(await check('--solve', '--want', 'WT')).toMatch(
      /^default type WT \(MTRR_DEF_TYPE = 0x804\), 0 pairs\n\nas options: --mtrr def=WT\n$/,
    );
  });

  it('lays a later want over those before it', async () => {
    const text = await check('--solve', '--want', 'UC', '--want', 'WB@0+2G', '--want', 'WC@1G+1G');
    expect(text).toMatch(/--mtrr def=UC --mtrr 0=WB@0x0\+1G --mtrr 1=WC@0x40000000\+1G\n/);
    // Up to the last address, and yet not all of memory: it stays behind the want before it.
    const last = ['--want', 'UC@5G+1G', '--want', 'WB@4G..4096T'];
    await expect(check('--solve', ...last)).rejects.toThrow(
      /^--want UC@0x140000000\.\.0x180000000 contradicts/,
    );
  });

  it.each([
    [['WB@0+1G', 'UC@0+1G'], /^--want WB@0x0\.\.0x40000000 contradicts what comes after it/],
    [['WB@1M+1M', 'UC@0+1M', 'WC@1M+2M'], /^--want WB@0x100000\.\.0x200000 contradicts/],
    [['WB@0+2M', 'UC@0+1M', 'WC@1M+1M'], /^--want WB@0x0\.\.0x200000 contradicts/],
    [['UC', 'WB'], /^--want UC contradicts/],
  ])('refuses wants that contradict one another: %j', async (wants, message) => {
    await expect(check('--solve', ...wants.flatMap((want) => ['--want', want]))).rejects.toThrow(message);
  });

  it('takes a want that is told twice', async () => {
    expect(await check('--solve', '--want', 'WB@0+1G', '--want', 'WB@0+1G')).toMatch(/^default type WB/);
  });

  it.each([
    [['--solve'], /^--solve needs what is wanted/],
    [['--want', 'UC'], /^--want and --sdm are for --solve/],
    [['--sdm'], /^--want and --sdm are for --solve/],
    [['--solve', '--want', 'XX'], /^--want XX is not like WB@1M\+1G/],
    [['--solve', '--want', 'WB@1+1'], /whole pages/],
    [['--solve', '--want', 'WB@2T+1G'], /lies above the guest's 40 address bits/],
  ])('refuses %j', async (args, message) => {
    await expect(check(...args)).rejects.toThrow(message);
  });
});
