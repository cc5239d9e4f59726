import { expect, test } from 'vitest';
import { MSR } from '../arch/msrs.js';
import {
  cd,
  deleteMemslot,
  disableQuirk,
  discard,
  hostMemory,
  init,
  memslot,
  mib,
  msrExits,
  msrFilter,
  msrs,
  noncoherent,
  rdmsr,
  restore,
  scenario,
  touch,
  touchNested,
  virtio,
  wrmsr,
} from './builder.js';
import { brokenRules } from './rules.js';
import type { Need, Step } from './types.js';

const rulesOf = (steps: readonly Step[], needs: readonly Need[] = []) =>
  brokenRules(scenario('test/rules', 'Steps', { needs, vcpus: 2 }, steps));

const NONE: readonly Need[] = [];
const SLOT4 = memslot(1, mib(64), 4);
const FLAG = { flags: ['non-coherent-dma'] } as const;

// Each row: what is wrong with the last step, the steps, what the scenario needs, the field and the sentence.
test.each<[string, Step[], readonly Need[], string, RegExp]>([
  ['a vCPU that the VM has not', [touch(0n, { vcpu: 2 })], NONE, '.vcpu', /the VM has 2 vCPUs/],
  ['a vCPU to restore from that the VM has not', [restore(0, 2)], NONE, '.from', /the VM has 2 vCPUs/],
  ['an INIT from a vCPU that the VM has not', [init(1, { sipi: 8, from: 2 })], NONE, '.from', /the VM has 2/],
  ['an INIT from oneself', [init(1, { sipi: 8, from: 1 })], NONE, '.from', /sends itself an INIT/],
  ['an INIT from another vCPU alone', [init(1, { from: 0 })], NONE, '.from', /sipi is missing/],
  ['a SIPI to the first vCPU', [init(0, { sipi: 8, from: 1 })], NONE, '.from', /waits for no SIPI/],
  ['NW without CD by the host', [cd(false, { by: 'host', nw: true })], NONE, '.nw', /depends on the kernel/],
  ['an MSR that is no MTRR', [rdmsr(0x10)], NONE, '.msr', /neither an MTRR nor the PAT/],
  ['an MSR of the machine check', [rdmsr(0x280)], NONE, '.msr', /neither an MTRR nor the PAT/],
  ['one such MSR of several', [msrs([{ msr: 0x277 }, { msr: 0x10 }])], NONE, '.ops', /^0x10 is neither/],
  [
    'an ioctl that reads and writes',
    [msrs([{ msr: 0x277 }, { msr: 0x2ff, value: 0n }], { by: 'host' })],
    NONE,
    '.ops',
    /either reads or writes/,
  ],
  [
    'an ioctl of too many MSRs',
    [msrs(Array<{ msr: number }>(256).fill({ msr: 0x277 }), { by: 'host' })],
    NONE,
    '.ops',
    /255 at once/,
  ],
  [
    'several writes in one go while each may zap',
    [noncoherent(true), msrs([{ msr: 0x2ff, value: 0n }])],
    ['noncoherent'],
    '.ops',
    /one MSR a step/,
  ],
  ['the slot of RAM', [deleteMemslot(0)], NONE, '.slot', /guest RAM/],
  ['a slot that few kernels have', [memslot(509, mib(64), 4)], NONE, '.slot', /509 memslots/],
  ['a slot within a page', [memslot(1, mib(64) + 8n, 4)], NONE, '.gpa', /start of a page/],
  ['a slot beyond the addresses of 36 bits', [memslot(1, 0xf_ffff_f000n, 2)], NONE, '.gpa', /MAXPHYADDR, 36/],
  ['a slot of more bits than there are', [memslot(1, 1n << 60n, 2)], NONE, '.gpa', /MAXPHYADDR, 36/],
  [
    'a slot that begins within its memory at no page',
    [memslot(1, mib(64), 2, 'ram', { offset: 0 })],
    NONE,
    '.offset',
    /1/,
  ],
  ['a discard beyond RAM', [discard(mib(32), 1)], NONE, '.gpa', /below the guest/],
  ['a discard of the guest', [discard(mib(16), 1)], NONE, '.gpa', /below the guest/],
  [
    'a page that the host unmapped',
    [SLOT4, hostMemory('unmap', 1, 3, 1), touch(mib(64) + 0x3000n)],
    NONE,
    '.gpa',
    /unmapped/,
  ],
  [
    'a write that the host forbids',
    [SLOT4, hostMemory('protect', 1, 0, 1), touch(mib(64), { access: 'write' })],
    NONE,
    '.gpa',
    /only be read/,
  ],
  ['memory of no slot', [hostMemory('unmap', 1, 0, 1)], NONE, '', /no memslot 1/],
  ['more memory than there is', [SLOT4, hostMemory('discard', 1, 3, 2)], NONE, '', /only 4 pages/],
  [
    'memory that is gone',
    [SLOT4, hostMemory('unmap', 1, 0, 2), hostMemory('unprotect', 1, 1, 2)],
    NONE,
    '',
    /unmapped a part/,
  ],
  ['guest RAM', [hostMemory('protect', 0, 0, 1)], NONE, '', /only discarded/],
  ['the guest’s own pages', [hostMemory('discard', 0, 0xfff, 2)], NONE, '', /only 4096 pages/],
  [
    'memory of a device',
    [memslot(1, mib(64), 4, 'pci-bar'), hostMemory('discard', 1, 0, 1)],
    ['pci-bar'],
    '',
    /no memory of the host/,
  ],
  [
    'memory that is unmapped under the buffer by which code was put there',
    [
      memslot(1, mib(64), 512, 'huge-ram'),
      touch(mib(64), { access: 'fetch' }),
      hostMemory('unmap', 1, 0, 512),
    ],
    ['huge-pages'],
    '',
    /whose buffer over it stays/,
  ],
  [
    'a restore to a vCPU that has a guest of its own',
    [touchNested(0n), restore(0, 1)],
    ['nested'],
    '',
    /no VMX MSRs/,
  ],
  [
    'a part of a huge page',
    [memslot(1, mib(64), 512, 'huge-ram'), hostMemory('unmap', 1, 0, 1)],
    ['huge-pages'],
    '',
    /whole huge pages/,
  ],
  [
    'a huge page that comes back',
    [memslot(1, mib(64), 512, 'huge-ram'), hostMemory('discard', 1, 0, 512)],
    ['huge-pages'],
    '',
    /in small ones/,
  ],
  [
    'more than the page of 1 GiB',
    [memslot(1, mib(1024), 0x40000, 'gib-ram', { offset: 1 })],
    ['gib-pages'],
    '.backing',
    /larger than the one page/,
  ],
  [
    'a second page of 1 GiB',
    [memslot(1, mib(64), 4, 'gib-ram'), memslot(2, mib(96), 4, 'gib-ram')],
    ['gib-pages'],
    '.backing',
    /memslot 1 has the one page/,
  ],
  [
    'the page of 1 GiB, which others have too',
    [memslot(1, mib(64), 4, 'gib-ram'), hostMemory('discard', 1, 0, 4)],
    ['gib-pages'],
    '',
    /other scenarios/,
  ],
  ['the memory of no slot', [memslot(2, mib(64), 4, 'ram', { memoryOf: 1 })], NONE, '', /no memslot 1/],
  [
    'too much of a memory',
    [SLOT4, memslot(2, mib(96), 4, 'ram', { memoryOf: 1, offset: 1 })],
    NONE,
    '.memoryOf',
    /only 4 pages/,
  ],
  [
    'other memory than there is',
    [SLOT4, memslot(2, mib(96), 4, 'huge-ram', { memoryOf: 1 })],
    ['huge-pages'],
    '.memoryOf',
    /is ram/,
  ],
  [
    'other memory for a slot that exists',
    [SLOT4, memslot(1, mib(96), 4, 'ram', { memoryOf: 1 })],
    NONE,
    '.memoryOf',
    /keeps its memory/,
  ],
  ['an access of the guest’s own pages', [touch(mib(16))], NONE, '.gpa', /guest itself/],
  ['a fetch beside all slots', [touch(mib(64), { access: 'fetch' })], NONE, '.gpa', /no memslot/],
  [
    'a fetch of a slot that is gone',
    [memslot(1, mib(64), 4), deleteMemslot(1), touch(mib(64), { access: 'fetch' })],
    NONE,
    '.gpa',
    /no memslot/,
  ],
  ['an access across pages', [touch(mib(4) - 2n)], NONE, '.gpa', /crosses/],
  [
    'a log that nobody keeps',
    [memslot(1, mib(64), 4), { do: 'get-dirty-log', slot: 1 }],
    NONE,
    '',
    /ENOENT \(memslot 1 logs no writes\)/,
  ],
  [
    'a log of too many pages',
    [memslot(1, mib(64), 4097, 'ram', { flags: ['log-dirty-pages'] }), { do: 'get-dirty-log', slot: 1 }],
    NONE,
    '.slot',
    /4096 pages/,
  ],
  [
    'a write to a device',
    [memslot(1, mib(64), 4, 'pci-bar'), touch(mib(64), { access: 'write' })],
    ['pci-bar'],
    '.gpa',
    /only be read/,
  ],
  ['a claim for no policy', [touch(0n, { claims: { A: 'WB', Z: 'WB' } })], NONE, '.claims', /called Z/],
  ['a claim of no type', [touch(0n, { claims: { A: 'WB+PAT' } })], NONE, '.claims', /^WB\+PAT is not/],
  ['a detach of nothing', [noncoherent(false)], NONE, '', /no device at all is attached/],
  [
    'a PCI function that is attached twice',
    [noncoherent(true), noncoherent(true, { via: 'vfio-cdev' })],
    ['noncoherent', 'vfio-cdev'],
    '',
    /attached already/,
  ],
  [
    'a device that no need tells of',
    [noncoherent(true, { via: 'vfio-mdev' })],
    ['noncoherent'],
    '',
    /needs vfio-mdev/,
  ],
  ['a quirk that no need tells of', [disableQuirk('cd-nw-cleared')], NONE, '', /needs quirk-cd-nw-cleared/],
  ['huge pages that no need tells of', [memslot(1, mib(64), 4, 'huge-ram')], NONE, '', /needs huge-pages/],
  [
    'an ioctl of a device that is closed',
    [virtio('create', 'a'), virtio('close', 'a'), virtio('set-attr', 'a')],
    ['virtio-device'],
    '',
    /no virtio device a/,
  ],
  [
    'a slot that overlaps',
    [memslot(1, mib(31), 512)],
    NONE,
    '',
    /EEXIST \(memslot 1 overlaps another one\), not ok/,
  ],
  ['a slot that is not there', [deleteMemslot(1)], NONE, '', /EINVAL \(memslot 1 does not exist\), not ok/],
  [
    'a refusal that does not come',
    [memslot(1, mib(64), 4, 'ram', { result: 'EINVAL' })],
    NONE,
    '',
    /ok, not EINVAL/,
  ],
  ['a device on a kernel without', [virtio('create', 'a')], ['no-virtio-device'], '', /ENODEV/],
  ['a flag on a kernel without', [memslot(1, mib(64), 4, 'ram', FLAG)], ['no-memslot-flag'], '', /EINVAL/],
])('%s breaks one rule', (_, steps, needs, field, text) => {
  expect(rulesOf(steps, needs)).toEqual([
    { path: `steps[${steps.length - 1}]${field}`, text: expect.stringMatching(text) },
  ]);
});

test('a refusal that the author foresees is legal', () => {
  const steps = [
    memslot(1, mib(64), 4),
    memslot(1, mib(64), 8, 'ram', { result: 'EINVAL' }),
    memslot(2, mib(64), 1, 'ram', { result: 'EEXIST' }),
    memslot(3, mib(65), 4, 'ram', { ...FLAG, result: 'EINVAL' }),
    virtio('create', 'a', { result: 'ENODEV' }),
  ];

  expect(rulesOf(steps, ['no-memslot-flag', 'no-virtio-device'])).toEqual([]);
});

test('an invalid value of an MSR is legal: KVM refuses it', () => {
  expect(rulesOf([wrmsr(MSR.PAT, 2n), wrmsr(MSR.DEF_TYPE, 1n << 63n, { vcpu: 1 })])).toEqual([]);
});

test('every rule that is broken is told, with its place', () => {
  expect(rulesOf([touch(mib(16), { vcpu: 7 }), rdmsr(0x10)]).map(({ path }) => path)).toEqual([
    'steps[0].vcpu',
    'steps[0].gpa',
    'steps[1].msr',
  ]);
});

test('needs that no kernel meets together are told', () => {
  expect(rulesOf([], ['virtio-device', 'no-virtio-device'])).toEqual([
    { path: 'needs', text: 'no kernel meets virtio-device and no-virtio-device' },
  ]);
});

test('what has not even the shape of a scenario is told so', () => {
  expect(rulesOf([touch(0n, { pat: 9 }), touch(0n, { pat: -1 })])).toEqual([
    { path: 'steps[0].pat', text: expect.stringMatching(/7/) },
    { path: 'steps[1].pat', text: expect.stringMatching(/0/) },
  ]);
});

test('from 4 GiB on 512 large pages are reached, each through one PAT entry', () => {
  const of = (count: number) =>
    scenario('test/far', 'Far', {}, [
      memslot(1, 1n << 32n, 1 << 19),
      Array.from({ length: count }, (_, i) => touch((1n << 32n) + (BigInt(i) << 21n), { pat: i % 8 })),
      touch((1n << 32n) + 0x1000n),
      touch(mib(4)),
    ]);

  expect(brokenRules(of(512))).toEqual([]);
  expect(brokenRules(of(513))).toEqual([{ path: 'steps', text: expect.stringMatching(/^513 large pages/) }]);
});

test('RAM in huge pages is a need, and is not discarded', () => {
  const of = (needs: readonly Need[]) =>
    brokenRules(scenario('test/huge', 'Huge', { needs, hugeRam: true }, [touch(0n), discard(0n, 1)]));

  expect(of([]).map(({ path }) => path)).toEqual(['hugeRam', 'steps[1].gpa']);
  expect(of(['huge-pages']).map(({ path }) => path)).toEqual(['steps[1].gpa']);
});

const RANGE = { base: 0x277, count: 1, access: 'both', allow: [] } as const;

test('a filter allows only what its range has, and is none while the VMM has one', () => {
  const [outside] = rulesOf([msrFilter([{ ...RANGE, allow: [0x278] }])]);
  expect(outside?.text).toMatch(/not in the range/);
  const taken = { needs: [], msrMode: 'filter' } as const;
  const [twice] = brokenRules(scenario('test/rules', 'Steps', taken, [msrFilter([RANGE])]));
  expect(twice?.text).toMatch(/of its own/);
  const [, asked] = brokenRules(scenario('test/rules', 'Steps', taken, [msrFilter([RANGE]), msrExits()]));
  expect(asked?.path).toBe('steps[1]');
});

test('KVM refuses a filter that denies all, and one with too large a range', () => {
  expect(rulesOf([msrFilter([], { deny: true })])[0]?.text).toMatch(/EINVAL.*needs a range/);
  expect(rulesOf([msrFilter([{ ...RANGE, count: 0x3001 }])])[0]?.text).toMatch(/EINVAL.*12288 MSRs/);
});
