import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';

/** The rows of a map, without the addresses. */
const rows = async (...args: string[]): Promise<string[]> =>
  (await explain(...args)).split('\n').map((line) => line.replace(/ {2,}/g, ' | '));

const DMA = ['--policy', '6.1', '--noncoherent'];

describe('explain --map of pieces that repeat', () => {
  // 0xf80000800 as a mask of a guest with 46 bits: the SDM's formula matches 2 GiB in every 64 GiB; var_mtrr_range() takes the hull.
  const SHORT = [...DMA, '--maxphyaddr', '46', '--msr', '0x2ff=0x806', '--msr', '0x200=0xf80000000'];

  it('has one row for each kind of piece', async () => {
    const map = await rows(...SHORT, '--msr', '0x201=0xf80000800', '--map');
    expect(map).toEqual([
      'start | end | size | EPT | effective | SDM',
      '0x0 | 0xf7fffffff | 62G | WB, IPAT 0 | WB | WB',
      '0xf80000000 | 0xfffffffff | 2G, 1023 times, every 64G | UC, IPAT 0 | UC | UC',
      '0x1000000000 | 0x1f7fffffff | 62G, 1023 times, every 64G | UC, IPAT 0 | UC | WB *',
      '0x3fff80000000 | 0x3fffffffffff | 2G | UC, IPAT 0 | UC | UC',
      '',
      '* not what this kernel gives',
      '',
    ]);
    expect((await json(...SHORT, '--msr', '0x201=0xf80000800', '--map')).length).toBe(2048);
  });

  it('maps a part, however long the whole would be', async () => {
    const holes = [...SHORT, '--msr', '0x201=0x1800'];
    await expect(explain(...holes, '--map')).rejects.toThrow(
      /more than 100000 ranges; ask for a part of it with --gpa a\.\.b$/,
    );
    await expect(explain(...holes, '--map', '--gpa', '0..4G')).rejects.toThrow(
      /more than 100000 ranges; ask for a smaller part$/,
    );
    expect(
      (await json(...holes, '--gpa', '0x3f0000000000..0x3f0000004000')).map(
        ({ arch }: { arch: string }) => arch,
      ),
    ).toEqual(['UC', 'WB', 'UC', 'WB']);
    expect(
      (await json('--map', '--gpa', '1M..2M', ...DMA)).map(
        ({ start, end }: { start: string; end: string }) => [start, end],
      ),
    ).toEqual([['0x100000', '0x200000']]);
  });

  it.each([
    [['--gpa', '2M..1M'], /is not like 0\.\.4G/],
    [['--gpa', '1..2M'], /is not like 0\.\.4G/],
    [['--gpa', '0..1M..2M'], /is not like 0\.\.4G/],
    [['--gpa', '0..2T'], /lies above the guest's 40 address bits/],
    [['--gpa', '0..1M', '--spte', '0'], /^--gpa and --spte ask for two things/],
    [['--map', '--vcpu', '0'], /^--vcpu is the vCPU that touches one page/],
    [['--gpa', '0..1M', '--vcpu', '0'], /^--vcpu is the vCPU that touches one page/],
  ])('refuses %j', async (args, message) => {
    await expect(explain(...args)).rejects.toThrow(message);
  });
});

describe('explain --map of firmware that covers memory above 4 GiB', () => {
  it('has seven stretches, on 6.1 as by the SDM', async () => {
    const fixed = ['--mtrr', 'def=WB,fe=1', '--mtrr', 'fix=WB@0+640K', '--mtrr', 'fix=UC@640K+384K'];
    const pairs = ['--mtrr', '0=UC@2G+2G', '--mtrr', '1=UC@32G+32G'];
    const map = await rows(...DMA, '--maxphyaddr', '40', ...fixed, ...pairs, '--map');
    expect(map.slice(1, -1)).toEqual([
      '0x0 | 0x9ffff | 640K | WB, IPAT 0 | WB | WB',
      '0xa0000 | 0xfffff | 384K | UC, IPAT 0 | UC | UC',
      '0x100000 | 0x7fffffff | 2047M | WB, IPAT 0 | WB | WB',
      '0x80000000 | 0xffffffff | 2G | UC, IPAT 0 | UC | UC',
      '0x100000000 | 0x7ffffffff | 28G | WB, IPAT 0 | WB | WB',
      '0x800000000 | 0xfffffffff | 32G | UC, IPAT 0 | UC | UC',
      '0x1000000000 | 0xffffffffff | 960G | WB, IPAT 0 | WB | WB',
    ]);
  });
});

describe('explain --map of bases that are not aligned to their masks', () => {
  // 96 GiB, 46 bits (from a public report). By the SDM a range begins where base AND mask say, and the last one's mask matches all: all is
  // WB, both gaps for MMIO included.
  it('is WB everywhere, on 6.1 as by the SDM', async () => {
    const pairs = [
      ...[
        '0x200=0x6',
        '0x201=0x3ffff8000800',
        '0x202=0x8000006',
        '0x203=0x3fff00000800',
        '0x204=0x100000006',
      ],
      ...['0x205=0x3ff000000800', '0x206=0x1000000006', '0x207=0x380000000800', '0x208=0x80000000006'],
      ...['0x209=0x800', '0x2ff=0x800'],
    ].flatMap((write) => ['--msr', write]);
    const map = await rows(...DMA, '--maxphyaddr', '46', ...pairs, '--map');
    expect(map.slice(1, -1)).toEqual(['0x0 | 0x3fffffffffff | 64T | WB, IPAT 0 | WB | WB']);
  });
});

describe('explain --slot', () => {
  const at = async (kind: string, ...args: string[]): Promise<string> => {
    const policy = args.includes('--policy') ? [] : ['--policy', '6.1'];
    const slot = ['--mtrr', 'def=WB', '--noncoherent', '--slot', `it=1G+1M,${kind}`, '--gpa', '1G'];
    const page = await json(...policy, ...slot, ...args);
    return `${page.type} ${page.why[0].text}`;
  };

  it.each([
    ['ram', [], /^WB RAM: its pages are not reserved: as RAM/],
    ['pci-bar', [], /^UC a BAR of a PCI device: .*: host MMIO/],
    ['wc-mapped', [], /^WB /],
    ['dax', [], /^WB .* the host maps them WB: as RAM/],
    ['dax', ['--host-nopat'], /^UC .* nopat: host MMIO/],
    ['dax', ['--policy', '4.14.336'], /^UC .* older than 4\.16: host MMIO/],
    ['dax', ['--policy', '4.19'], /^WB /],
    ['dev-mem', [], /^UC .* the host maps them UC-: host MMIO/],
    ['dev-mem,host=WB', [], /^WB /],
    ['isa-hole', [], /^WB /],
    ['guest-memfd', ['--policy', '6.8'], /^WB /],
  ])('%s %j', async (kind, args, expected) => {
    expect(await at(kind, ...args)).toMatch(expected);
  });

  it('lists slots and holes by name', async () => {
    const slots = [
      '--slot',
      'ram=0+3G',
      '--slot',
      'rom=0xfffc0000+256K,ram,ro',
      '--slot',
      'bar0=0xe0000000+256M,pci-bar',
    ];
    const map = await rows(...DMA, '--mtrr', 'def=WB', ...slots, '--gpa', '0..4G');
    expect(map.slice(1, 6)).toEqual([
      '0x0 | 0xbfffffff | 3G | ram: ram | WB, IPAT 0 | WB | WB',
      '0xc0000000 | 0xdfffffff | 512M | (hole) | no leaf | the VMM emulates it',
      '0xe0000000 | 0xefffffff | 256M | bar0: pci-bar | UC, IPAT 0 | UC | WB *',
      '0xf0000000 | 0xfffbffff | 261888K | (hole) | no leaf | the VMM emulates it',
      '0xfffc0000 | 0xffffffff | 256K | rom: ram, read-only | WB, IPAT 0 | WB | WB',
    ]);
    expect((await json(...DMA, ...slots, '--map'))[1]).toEqual({
      start: '0xc0000000',
      end: '0xe0000000',
      slot: null,
    });
    expect(await explain(...slots, '--gpa', '0xc0000000')).toMatch(
      /is in no memslot: KVM maps nothing there/,
    );
  });

  it.each([
    [['--slot', 'ram'], /is not like ram=0\+2G/],
    [['--slot', 'ram=0+0'], /whole pages below 2\^52, and the size is not 0/],
    [['--slot', 'ram=1+4K'], /whole pages/],
    [['--slot', 'ram=0+4K,nvram'], /'nvram' is none of ram, hugetlb, guest-memfd, wc-mapped, dax, /],
    [['--slot', 'a=0+8K', '--slot', 'b=4K+8K'], /^slots a and b overlap at 0x1000: KVM answers EEXIST/],
    [['--slot', 'a=0+4K', '--slot', 'a=4K+4K'], /^two slots are called a/],
    [['--slot', 'a=0+4K', '--mmio'], /a --slot has its own kind and flag/],
    [['--slot', 'a=0+4K,guest-memfd', '--policy', '6.1'], /^slot a: guest_memfd came in 6\.8, .* ENOTTY$/],
    [['--slot', 'a=0+4K,guest-memfd', '--policy', 'A'], /^slot a: guest_memfd came in 6\.8/],
    [
      ['--slot', 'a=1T+4K'],
      /^slot a ends at 0x10000001000, above .* 40 address bits; --maxphyaddr 41 makes it/,
    ],
    [['--host-nopat'], /^--host-nopat decides which slots are host MMIO: it needs --slot/],
    [['--slot', 'a=0+4K,ram,flag', '--policy', '7.2'], /^the memslot flag of proposal P5: /],
  ])('refuses %j', async (args, message) => {
    await expect(explain('--gpa', '0', ...args)).rejects.toThrow(message);
  });
});

describe('explain: the largest leaf in a slot', () => {
  // kvm_alloc_memslot_metadata(): none reaches over an end of the slot.
  it.each([
    ['a=0+64K', '0', 1],
    ['a=0+2M', '0', 2],
    ['a=1M+2M', '1M', 1],
    ['a=1M+3M', '2M', 2],
    ['a=0+3G', '2G', 3],
    ['a=0+2560M', '2G', 2],
    ['bar=0xe0000000+64K,pci-bar', '0xe0000000', 1],
  ])('%s at %s: level %i', async (slot, gpa, level) => {
    const { maxLevel, policies } = await json('--slot', slot, '--gpa', gpa);
    expect([maxLevel, ...policies.map((other: { maxLevel: number }) => other.maxLevel)]).toEqual(
      new Array(policies.length + 1).fill(level),
    );
  });
});

describe('explain and several vCPUs', () => {
  // vCPU 0 has WP as its default type, the others have MTRRs off: on 6.1 with DMA, whoever faults first decides (P3).
  const FOUR = ['--noncoherent', '--msr', 'cpu0:0x2ff=0x805', '--vcpus', '4'];

  it('tells what each would make of a page', async () => {
    const text = await explain('--policy', '6.1', ...FOUR, '--gpa', '1M');
    expect(text).toMatch(/share one leaf: the first to touch the page decides\n/);
    expect(text).toMatch(/ vCPU 0 +WP, IPAT 0 +WP +WP\n +vCPUs 1-3 +UC, IPAT 0 +UC +UC\n/);
    expect((await json('--policy', '6.1', ...FOUR, '--gpa', '1M', '--vcpu', '2')).type).toBe('UC');
    expect((await json('--policy', '6.1', ...FOUR, '--gpa', '1M')).first).toMatchObject([
      { who: 'vCPU 0', type: 'WP' },
      { who: 'vCPUs 1-3', type: 'UC' },
    ]);
    expect(await explain('--policy', '7.2', ...FOUR, '--gpa', '1M')).not.toContain('first to touch');
  });

  it('and the map', async () => {
    const map = await rows('--policy', '6.1', ...FOUR, '--map');
    expect(map[1]).toMatch(/WP, IPAT 0 or UC, IPAT 0 \| WP or UC \| WP or UC$/);
    expect(map[3]).toBe('or: the first to touch a page decides, of vCPU 0, vCPUs 1-3');
    expect((await json('--policy', '6.1', ...FOUR, '--map'))[0].vcpus.length).toBe(2);
  });

  it('takes the MTRRs of vCPU 0 for the VM where the proposal does', async () => {
    expect((await json('--policy', '6.1+P2', ...FOUR, '--gpa', '1M', '--vcpu', '3')).type).toBe('WP');
  });

  it('reads them from a state', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-vcpus-'));
    const state = (content: object): string => {
      const path = join(folder, 'state.json');
      writeFileSync(path, JSON.stringify(content));
      return path;
    };
    const path = state({
      policy: '6.1',
      noncoherent: true,
      mtrr: { def: { type: 'WB' } },
      vcpus: [
        { id: 1, mtrr: { variable: [{ index: 0, type: 'UC', base: 0, size: '4K' }] } },
        { id: 2, cd: true },
      ],
      slots: ['ram=0+1G,hugetlb'],
    });
    const types = async (vcpu: string) => (await json('--state', path, '--gpa', '0', '--vcpu', vcpu)).type;
    expect([await types('0'), await types('1'), await types('2')]).toEqual(['WB', 'UC', 'WB']);
    await expect(json('--state', path, '--gpa', '0', '--vcpu', '3')).rejects.toThrow(/^there is no vCPU 3/);
    await expect(json('--state', path, '--gpa', '0', '--vcpus', '2')).rejects.toThrow(
      /^vCPU 2 has registers, but there are 2 vCPUs/,
    );
    await expect(json('--state', state({ slots: ['x'] }), '--gpa', '0')).rejects.toThrow(
      /slots\.0: --slot x is not like/,
    );
    await expect(json('--state', state({ vcpus: [{ id: 0 }, { id: 0 }] }), '--gpa', '0')).rejects.toThrow(
      /two vCPUs have one id/,
    );
    rmSync(folder, { recursive: true });
  });
});
