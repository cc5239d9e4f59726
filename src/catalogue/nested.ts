import { MEM_TYPES, MT, typeBytes } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import {
  cd,
  deleteMemslot,
  disableQuirk,
  discard,
  invept,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchNested,
  wrmsr,
} from '../scenario/builder.js';
import type { Step } from '../scenario/types.js';

const PAGE = 0x1000n;
const needs = ['ept-leaves', 'nested'] as const;
const withDma = [...needs, 'noncoherent'] as const;

const COHERENT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
/** With non-coherent DMA: the guest's MTRR type, where that counts. */
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });
const EACH = { A: 'UC', B: 'UC', D: 'UC', E: 'UC' };

/** Pages about the range [0, 512K) and [8M, 9M), the fixed and the variable one that are written below. */
const AROUND = [0n, 0x1_0000n, 0x7_f000n, 0x8_0000n, mib(8) - PAGE, mib(8), mib(9) - PAGE, mib(9)];
const touchAround = (): Step[] => AROUND.map((gpa) => touchNested(gpa));

/** A page of each MTRR type, at 4M, 5M and so on. */
const PAGES_OF_TYPES = MEM_TYPES.map((type, i) => ({ type, gpa: mib(4 + i) }));

/** A guest of the guest (L2): what KVM puts into its shadow of the guest's (L1's) EPT. */
export const nested = [
  scenario(
    'nested/coherent',
    'A leaf of L2 is as one of L1: the type and IPAT of L1’s own EPT leaf are dropped',
    { needs },
    [
      MEM_TYPES.flatMap((type) => [
        touchNested(mib(4), { type, claims: COHERENT }),
        touchNested(mib(4), { type, ipat: true, claims: COHERENT }),
      ]),
      // L2 is entered again, and what is mapped stays.
      touchNested(mib(4), { type: 'UC', ipat: true, access: 'write' }),
      touch(mib(4)),
      invept(),
      touchNested(mib(4)),
      touchNested(mib(5), { access: 'write' }),
      touchNested(mib(5)),
    ],
  ),
  scenario(
    'nested/mtrr-types',
    'A leaf of L2 has the type of L1’s MTRRs in eras A and B, at L1’s address and not at L2’s',
    { needs: withDma },
    [
      noncoherent(true),
      mtrrs({
        def: MT.WB,
        // L2 sees all of it from 2 GiB on: what MTRRs say of there bears on nothing.
        ranges: [
          [MT.UC, mib(2048), mib(1024)],
          ...PAGES_OF_TYPES.map(({ type, gpa }) => [MT[type], gpa, mib(1)] as const),
        ],
      }),
      PAGES_OF_TYPES.flatMap(({ type, gpa }) => [
        touchNested(gpa, { type: type === 'UC' ? 'WB' : 'UC', claims: claim(type) }),
        touchNested(gpa, { type: 'WB', ipat: true, claims: claim(type) }),
        touch(gpa, { claims: claim(type) }),
      ]),
    ],
  ),
  scenario(
    'nested/mtrr-writes',
    'A write of an MTRR zaps L2’s leaves of its range in eras A and B, and no others',
    { needs: withDma },
    [
      noncoherent(true),
      mtrrs({
        def: MT.WB,
        fe: true,
        fixed: [[MSR.FIX64K_00000, typeBytes(MT.WB)]],
        ranges: [[MT.WT, mib(8), mib(1)]],
      }),
      touchAround(),
      // Fixed: its whole unit, 512 KiB.
      wrmsr(MSR.FIX64K_00000, typeBytes(MT.WT)),
      touchAround(),
      wrmsr(MSR.PHYSBASE0, mib(8) | BigInt(MT.WP)),
      touchAround(),
      wrmsr(MSR.PAT, 0n),
      touchAround(),
      wrmsr(MSR.DEF_TYPE, defType(MT.WB, { e: false })),
      touchAround(),
    ],
  ),
  scenario(
    'nested/cd-quirk-off',
    'Without the quirk CR0.CD makes L2’s memory uncached too in eras A and B, and toggling it zaps L2’s leaves',
    { needs: [...withDma, 'quirk-cd-nw-cleared'] },
    [
      disableQuirk('cd-nw-cleared'),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      touchNested(mib(4), { claims: claim('WT') }),
      cd(true),
      touchNested(mib(4), { claims: claim('UC+IPAT') }),
      touchNested(mib(5), { claims: claim('UC+IPAT') }),
      cd(false),
      touchNested(mib(4), { claims: claim('WT') }),
      touchNested(mib(5), { claims: claim('WT') }),
    ],
  ),
  scenario(
    'nested/cd-quirk-on',
    'With the quirk CR0.CD does not make L2’s memory uncached, and toggling it zaps nothing',
    { needs: withDma },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      touchNested(mib(4), { claims: claim('WT') }),
      cd(true),
      touchNested(mib(4), { claims: claim('WT') }),
      touchNested(mib(5), { claims: { A: 'WB+IPAT', B: 'WB', D: 'WB', E: 'WB' } }),
      cd(false),
      touchNested(mib(5)),
      touchNested(mib(6), { claims: claim('WT') }),
    ],
  ),
  scenario(
    'nested/attach-detach',
    'The first and the last non-coherent device zap L2’s leaves from 6.7 on, and change the type of new ones everywhere',
    { needs: withDma },
    [
      mtrrs({ def: MT.WT }),
      touchNested(mib(4), { claims: COHERENT }),
      noncoherent(true),
      touchNested(mib(4)),
      touchNested(mib(5), { claims: claim('WT') }),
      noncoherent(false),
      touchNested(mib(4)),
      touchNested(mib(5)),
      touchNested(mib(6), { claims: COHERENT }),
    ],
  ),
  scenario(
    'nested/ignore-guest-pat',
    'Disabling the quirk IGNORE_GUEST_PAT clears IPAT in new leaves of L2, and zaps none',
    { needs: [...needs, 'quirk-ignore-guest-pat'] },
    [
      touchNested(mib(4), { claims: COHERENT }),
      disableQuirk('ignore-guest-pat'),
      touchNested(mib(4)),
      touchNested(mib(5), { claims: { E: 'WB' }, ipat: true }),
    ],
  ),
  scenario(
    'nested/discard',
    'Memory that the host takes back goes from L1 and from L2, through each leaf of L1’s EPT',
    { needs },
    [
      touch(mib(4)),
      touchNested(mib(4)),
      touchNested(mib(4), { type: 'UC' }),
      touchNested(mib(5)),
      discard(mib(4), 1),
      touchNested(mib(4)),
      touchNested(mib(4), { type: 'UC' }),
      touchNested(mib(5)),
      touch(mib(4)),
    ],
  ),
  scenario('nested/memslot', 'L2 loses the leaves of a memslot that goes, or moves', { needs }, [
    memslot(1, mib(64), 4),
    touch(mib(64)),
    touchNested(mib(64)),
    touchNested(mib(4)),
    deleteMemslot(1),
    touchNested(mib(4)),
    memslot(1, mib(64), 4),
    touchNested(mib(64)),
    touch(mib(64) + PAGE),
    memslot(1, mib(72), 4),
    touchNested(mib(72) + PAGE),
    touchNested(mib(4)),
    memslot(2, mib(8192), 4),
    touchNested(mib(8192)),
  ]),
  scenario(
    'nested/huge',
    'L1’s EPT and the host’s memory bound the size of L2’s leaves; guest MTRRs do not',
    { needs: [...withDma, 'huge-pages'] },
    [
      memslot(1, mib(64), 1024, 'huge-ram'),
      noncoherent(true),
      // The first large page is of two types, the second of one.
      mtrrs({
        def: MT.WT,
        ranges: [
          [MT.WP, mib(64), mib(1)],
          [MT.WT, mib(65), PAGE],
        ],
      }),
      touch(mib(65), { claims: claim('WT') }),
      touchNested(mib(65), { size: '2M', claims: claim('WP') }),
      touchNested(mib(65), { claims: claim('WT') }),
      touchNested(mib(64), { size: '2M', type: 'UC', ipat: true, claims: claim('WP') }),
      touchNested(mib(66), { size: '2M', claims: claim('WT') }),
      touchNested(mib(66) + PAGE, { claims: claim('WT') }),
      // One page of a large leaf takes all of it along.
      wrmsr(MSR.PHYSBASE0 + 2, mib(65) | BigInt(MT.WC)),
      touchNested(mib(64), { size: '2M', type: 'UC', ipat: true }),
      touchNested(mib(65), { claims: claim('WC') }),
      touchNested(mib(66), { size: '2M' }),
    ],
  ),
  scenario(
    'nested/vcpus',
    'Two vCPUs share the leaves of L2: the first to fault decides their type in eras A and B',
    { needs: withDma, vcpus: 2 },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      mtrrs({ def: MT.WP, vcpu: 1 }),
      touchNested(mib(4), { claims: claim('WT') }),
      touchNested(mib(4), { vcpu: 1 }),
      touchNested(mib(5), { vcpu: 1, claims: { ...claim('WP'), 'A+P2': 'WT' } }),
      touchNested(mib(5)),
      touchNested(mib(5), { type: 'UC', claims: claim('WT') }),
    ],
  ),
  scenario(
    'nested/pci-bar',
    'A PCI BAR is uncached without IPAT for L2 too',
    { needs: [...withDma, 'pci-bar'] },
    [
      memslot(2, 0xe000_0000n, 4, 'pci-bar'),
      touchNested(0xe000_0000n, { ipat: true, claims: EACH }),
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      touchNested(0xe000_1000n, { claims: EACH }),
    ],
  ),
];
