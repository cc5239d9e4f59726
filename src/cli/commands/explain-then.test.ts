import { describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';

const then = (...events: string[]): string[] => events.flatMap((event) => ['--then', event]);
/** What each event does to the leaves, with its errata. */
const outcomes = async (...args: string[]): Promise<string[]> =>
  (await json(...args)).events.map(({ outcome, errata }: { outcome: string; errata: string[] }) =>
    [outcome, ...errata].join(' '),
  );

const DMA = ['--policy', '6.1', '--noncoherent'];

describe('explain --then: every CPU in turn writes its MTRRs with its caches off', () => {
  // Firmware that sets default WB, UC [2G,4G) and [32G,64G) on each CPU (from a public report).
  const sequence = (cpu: number): string[] =>
    then(
      ...['cd=on', '0x2ff=0x0', '0x200=0x80000000', '0x201=0xff80000800', '0x202=0x800000000'].map(
        (event) => `cpu${cpu}:${event}`,
      ),
      ...['0x203=0xf800000800', '0x2ff=0x806', 'cd=off'].map((event) => `cpu${cpu}:${event}`),
    );

  it('on 6.1 with DMA toggles of CD zap nothing, and each write of the default type zaps all', async () => {
    const one = ['zaps nothing', 'zaps every leaf', ...new Array(4).fill('zaps nothing')];
    expect(await outcomes(...DMA, '--vcpus', '2', ...sequence(0), ...sequence(1))).toEqual([
      ...[...one, 'zaps every leaf', 'zaps nothing'],
      ...[...one, 'zaps every leaf', 'zaps nothing'],
    ]);
    const { after } = await json(...DMA, '--vcpus', '2', ...sequence(0), ...sequence(1), '--map');
    expect(
      after.map(({ start, effective }: { start: string; effective: string }) => [start, effective]),
    ).toEqual([
      ['0x0', 'WB'],
      ['0x80000000', 'UC'],
      ['0x100000000', 'WB'],
      ['0x800000000', 'UC'],
      ['0x1000000000', 'WB'],
    ]);
  });

  it('what is touched with CD=1 keeps that type (s2), unless the quirk is disabled', async () => {
    const events = then('0x2ff=0x800', 'cd=on', 'touch=1M', 'cd=off', 'touch=1M');
    expect(await outcomes(...DMA, ...events)).toEqual([
      ...['zaps every leaf', 'zaps nothing', 'makes WB, IPAT 1', 'zaps nothing s2'],
      'finds WB, IPAT 1: a fault now would make UC, IPAT 0',
    ]);
    expect((await json(...DMA, ...events)).stale).toEqual([
      { gpa: '0x100000', vcpu: 0, type: 'WB', ipat: true, wouldBe: { type: 'UC', ipat: false } },
    ]);
    expect(await outcomes(...DMA, '--disable-quirks', 'cd-nw-cleared', ...events)).toEqual([
      ...['zaps every leaf', 'zaps every leaf', 'makes UC, IPAT 1', 'zaps every leaf', 'makes UC, IPAT 0'],
    ]);
  });

  it('on 7.2 nothing of it zaps anything', async () => {
    const seen = await outcomes(
      '--policy',
      '7.2',
      '--noncoherent',
      '--vcpus',
      '2',
      ...sequence(0),
      ...sequence(1),
    );
    expect(new Set(seen)).toEqual(new Set(['zaps nothing']));
  });
});

describe('explain --then restore', () => {
  // 46 bits, default WB, four UC pairs (from a public report of a VMM whose snapshots lost them).
  const PAIRS = [
    ...[
      '0x2ff=0x806',
      '0x200=0xf8000000',
      '0x201=0x3ffffc000800',
      '0x202=0xf0000000',
      '0x203=0x3ffff8000800',
    ],
    ...['0x204=0xe0000000', '0x205=0x3ffff0000800', '0x206=0xc0000000', '0x207=0x3fffe0000800'],
  ].flatMap((write) => ['--msr', write]);

  it('leaves all MTRRs 0, which is UC everywhere on 6.1 with DMA, and says why', async () => {
    const text = await explain(...DMA, '--maxphyaddr', '46', ...PAIRS, ...then('restore'), '--map');
    expect(text).toMatch(/leaves all MTRRs 0: the list names none\n +\(msrs_to_save_all\[\]/);
    expect(text).toMatch(/\n0x0 +0x3fffffffffff +64T +UC, IPAT 0 +UC +UC\n/);
    const read = [...DMA, '--maxphyaddr', '46', ...PAIRS, '--msr', '0x277=6', ...then('restore')];
    for (const msr of ['0x2ff', '0x200', '0x207'])
      expect((await json(...read, '--rdmsr', msr)).after.value).toBe('0x0');
    expect((await json(...read, '--rdmsr', 'PAT')).after.value).toBe('0x6');
  });
});

describe('explain --then delete', () => {
  const SLOTS = ['--slot', 'ram=0+1G', '--slot', 'other=4G+1G'];
  const gone = (...args: string[]) =>
    outcomes(...SLOTS, ...args, ...then('touch=0', 'touch=4G', 'delete=other', 'touch=0', 'touch=4G'));

  it.each([
    [['--policy', '6.1'], 'zaps every leaf', 'makes WB, IPAT 1'],
    [['--policy', '7.2'], 'zaps every leaf', 'makes WB, IPAT 1'],
    [
      ['--policy', '6.12.118', '--disable-quirks', '0x80'],
      'zaps 0x100000000-0x13fffffff',
      'finds WB, IPAT 1',
    ],
    [['--policy', '7.2', '--disable-quirks', '0x80'], 'zaps 0x100000000-0x13fffffff', 'finds WB, IPAT 1'],
  ])('%j: %s', async (args, zaps, next) => {
    expect((await gone(...args)).slice(2)).toEqual([zaps, next, 'in no memslot: the VMM emulates it']);
  });

  it('takes a slot out of the map', async () => {
    const { after } = await json(...SLOTS, ...then('delete=other', 'restore'), '--gpa', '4G..5G');
    expect(after).toEqual([{ start: '0x100000000', end: '0x140000000', slot: null }]);
  });
});

describe('explain --then', () => {
  it('tells stale leaves where a device or a quirk comes late', async () => {
    const s1 = await explain('--policy', '6.1', '--mtrr', 'def=UC', ...then('touch=0', 'dma=on'));
    expect(s1).toMatch(/non-coherent DMA comes +zaps nothing \(s1\)\n/);
    expect(s1).toMatch(/0x0: WB, IPAT 1, where a fault of vCPU 0 would make UC, IPAT 0\n/);
    expect(await outcomes('--policy', '6.7', ...then('touch=0', 'dma=on'))).toEqual([
      'makes WB, IPAT 1',
      'zaps every leaf',
    ]);
    const s3 = ['--policy', '7.2', ...then('touch=0', 'quirks=ignore-guest-pat')];
    expect((await outcomes(...s3)).at(-1)).toBe('zaps nothing s3');
    expect((await outcomes('--policy', '6.1', ...then('quirks=0x200')))[0]).toMatch(/^EINVAL: quirk 0x200 /);
    expect((await outcomes('--policy', 'none', ...then('touch=0')))[0]).toBe('no EPT: no leaf');
  });

  // A policy's own quirks (quirks.disabledAtCreation) are not the VMM's: others do not inherit them.
  it.each([
    ['what E disables itself', ['--policy', '7.2', '--noncoherent', '--cd', '--mtrr', 'def=WB'], []],
    ['what npt disables itself', ['--policy', 'npt'], []],
    ['what the VMM disabled', ['--policy', '7.2', '--noncoherent', '--cd'], ['cd-nw-cleared']],
    ['what a TD has disabled', ['--policy', '7.2', '--vm-type', 'tdx'], []],
  ])('compares policies as without events: %s', async (_, args, quirks) => {
    const before = quirks.flatMap((quirk) => ['--disable-quirks', quirk]);
    const during = quirks.map((quirk) => `quirks=${quirk}`);
    const { policies } = await json(...args, ...before, '--gpa', '0');
    const { after } = await json(...args, ...then('touch=0', ...during), '--gpa', '0');
    expect(after.policies).toEqual(policies);
  });

  it('goes on after a write that faults', async () => {
    expect(await outcomes(...DMA, ...then('0x210=6', '0x2ff=2', 'MTRR_DEF_TYPE=0x806'))).toEqual([
      expect.stringMatching(/^#GP\(0\): VCNT in MTRRcap is 8/),
      expect.stringMatching(/^#GP\(0\): byte 0 is 2, which is no memory type/),
      'zaps every leaf',
    ]);
  });

  it('asks of the vCPU in question', async () => {
    const events = then('cpu1:0x2ff=0x806');
    const of = async (vcpu: string) =>
      (await json(...DMA, '--vcpus', '3', ...events, '--gpa', '1M', '--vcpu', vcpu)).after.type;
    expect([await of('0'), await of('1'), await of('2')]).toEqual(['UC', 'WB', 'UC']);
  });

  it.each([
    [['x'], /^--then x is not like touch=1M, cd=on, 0x2ff=0xc06/],
    [['cd=2'], /^--then cd=2 is not like cd=on or cd=off$/],
    [['touch=x'], /^--then touch: 'x' is not a number/],
    [['touch=1T'], /lies above the guest's 40 address bits/],
    [['cpu1:touch=0'], /^there is no vCPU 1/],
    [['cpu0:dma=on'], /^--then cpu0:dma=on: this is of the VM/],
    [['dma=off'], /^--then dma=off: so it is already$/],
    [['delete=x'], /^--then delete=x: no --slot is called so$/],
    [['delete=memory', 'delete=memory'], /it is gone already$/],
    [['0x10=0'], /has no bearing on memory types/],
    [['quirks=x'], /a mask from 0 to 0xffffffff/],
  ])('refuses %j', async (events, message) => {
    await expect(explain(...then(...events))).rejects.toThrow(message);
  });
});
