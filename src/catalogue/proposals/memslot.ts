import { MT, typeBytes } from '../../arch/memory-types.js';
import { MSR } from '../../arch/msrs.js';
import {
  cd,
  deleteMemslot,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  rdmsr,
  scenario,
  touch,
  touchMany,
  wrmsr,
} from '../../scenario/builder.js';

const needs = ['ept-leaves', 'memslot-flag'] as const;
const FLAG = { flags: ['non-coherent-dma'] } as const;
const SLOT = mib(64);
const PAGES = 16;

/** What a flagged page is: WB by the proposal, the guest's MTRR type by its earlier spelling; PAT is honored by both. */
const flagged = (mtrr: string) => ({
  'E+P5-memslot': 'WB',
  'E+P5': 'WB',
  'A+P5-memslot-mtrr': mtrr,
});
/** What a page without the flag is, in a VM without non-coherent DMA. */
const PLAIN = { A: 'WB+IPAT', E: 'WB+IPAT' };
const UC = { A: 'UC', E: 'UC' };

const ALIASES = [0, 1, 2, 3, 4, 5, 6, 7];
const ALL_PAT_TYPES = typeBytes(MT.WB, MT.WC, MT.WT, MT.WP, MT['UC-'], MT.UC, MT.WC, MT.WB);

/** KVM_MEM_NON_COHERENT_DMA (proposal P5): a memslot whose pages honor the guest's PAT. */
export const memslotFlag = [
  scenario(
    'memslot/probe',
    'A flagged slot, MTRRs and CR0.CD together tell the spellings of the flag apart',
    { needs },
    [
      memslot(1, SLOT, PAGES, 'ram', { ...FLAG, result: 'ok' }),
      mtrrs({ def: MT.WT, ranges: [[MT.UC, SLOT, mib(1)]] }),
      touch(SLOT, { claims: flagged('UC') }),
      touch(mib(4), { claims: PLAIN }),
    ],
  ),
  scenario(
    'memslot/absent',
    'A kernel without the flag refuses a slot that has it',
    { needs: ['no-memslot-flag'] },
    [
      memslot(1, SLOT, PAGES, 'ram', { ...FLAG, result: 'EINVAL' }),
      memslot(1, SLOT, PAGES, 'ram', { result: 'ok' }),
      memslot(1, SLOT, PAGES, 'ram', { ...FLAG, result: 'EINVAL' }),
    ],
  ),
  scenario('memslot/only-that-slot', 'The flag changes the pages of its own slot and no other', { needs }, [
    mtrrs({ def: MT.WB }),
    memslot(1, SLOT, PAGES, 'ram', FLAG),
    memslot(2, SLOT + mib(1), PAGES),
    touch(SLOT, { claims: flagged('WB') }),
    touch(SLOT + 0xf000n, { claims: flagged('WB') }),
    touch(SLOT + mib(1), { claims: PLAIN }),
    touch(mib(4), { claims: PLAIN }),
    touch(0n, { claims: PLAIN }),
    memslot(3, SLOT + mib(2), PAGES, 'ram', FLAG),
    touch(SLOT + mib(2), { claims: flagged('WB') }),
    touchMany(SLOT, 2),
    touchMany(SLOT + mib(1), 2),
  ]),
  scenario(
    'memslot/mtrr-and-cd',
    'A flagged slot ignores CR0.CD, and its MTRRs as the spelling says',
    { needs },
    [
      memslot(1, SLOT, PAGES, 'ram', FLAG),
      mtrrs({ def: MT.WB, ranges: [[MT.WC, SLOT, mib(1)]] }),
      touch(SLOT, { claims: flagged('WC') }),
      cd(true),
      touch(SLOT, { claims: flagged('WC') }),
      touch(SLOT + 0x1000n, { claims: flagged('WC') }),
      mtrrs({ def: MT.WB, ranges: [[MT.UC, SLOT, mib(1)]] }),
      touch(SLOT, { claims: flagged('UC') }),
      touch(SLOT + 0x2000n, { claims: flagged('UC') }),
      cd(false),
      touch(SLOT + 0x3000n, { claims: flagged('UC') }),
      touch(mib(4), { claims: PLAIN }),
    ],
  ),
  scenario(
    'memslot/live-change',
    'The flag of a live slot cannot be changed; delete and create it anew',
    { needs },
    [
      memslot(1, SLOT, PAGES),
      touch(SLOT, { claims: PLAIN }),
      memslot(1, SLOT, PAGES, 'ram', { ...FLAG, result: 'EINVAL' }),
      touch(SLOT, { claims: PLAIN }),
      touch(SLOT + 0x1000n, { claims: PLAIN }),
      deleteMemslot(1),
      memslot(1, SLOT, PAGES, 'ram', FLAG),
      mtrrs({ def: MT.WB }),
      touch(SLOT, { claims: flagged('WB') }),
      memslot(1, SLOT, PAGES, 'ram', { result: 'EINVAL' }),
      memslot(1, SLOT, PAGES, 'ram', { flags: [], result: 'EINVAL' }),
      touch(SLOT, { claims: flagged('WB') }),
      touch(SLOT + 0x1000n, { claims: flagged('WB') }),
    ],
  ),
  scenario('memslot/move', 'A slot that is moved keeps the flag', { needs }, [
    memslot(1, SLOT, PAGES, 'ram', FLAG),
    mtrrs({ def: MT.WB }),
    touch(SLOT, { claims: flagged('WB') }),
    memslot(1, SLOT + mib(4), PAGES, 'ram', FLAG),
    touch(SLOT + mib(4), { claims: flagged('WB') }),
  ]),
  scenario('memslot/dirty-log', 'Dirty logging of a flagged slot goes on and off', { needs }, [
    memslot(1, SLOT, PAGES, 'ram', FLAG),
    mtrrs({ def: MT.WB }),
    touchMany(SLOT, 3),
    memslot(1, SLOT, PAGES, 'ram', { flags: ['non-coherent-dma', 'log-dirty-pages'], result: 'ok' }),
    touch(SLOT, { access: 'write', claims: flagged('WB') }),
    touch(SLOT + 0x4000n, { claims: flagged('WB') }),
  ]),
  scenario(
    'memslot/with-device',
    'Non-coherent DMA makes the rest of the VM like a flagged slot, which stays as it is',
    { needs: [...needs, 'noncoherent'] },
    [
      mtrrs({ def: MT.WB }),
      memslot(1, SLOT, PAGES, 'ram', FLAG),
      touch(SLOT, { claims: flagged('WB') }),
      touch(mib(4), { claims: PLAIN }),
      noncoherent(true),
      touch(SLOT, { claims: flagged('WB') }),
      touch(SLOT + 0x1000n, { claims: flagged('WB') }),
      touch(mib(5), { claims: { A: 'WB', E: 'WB' } }),
      noncoherent(false),
      touch(SLOT + 0x2000n, { claims: flagged('WB') }),
      touch(mib(6), { claims: PLAIN }),
    ],
  ),
  scenario('memslot/pat', 'In a flagged slot alone the guest’s PAT decides', { needs }, [
    mtrrs({ def: MT.WB }),
    memslot(1, SLOT, PAGES, 'ram', FLAG),
    wrmsr(MSR.PAT, ALL_PAT_TYPES),
    rdmsr(MSR.PAT),
    ALIASES.map((pat) => touch(SLOT + BigInt(pat) * 0x1000n, { pat, claims: flagged('WB') })),
    ALIASES.map((pat) => touch(SLOT, { pat })),
    ALIASES.map((pat) => touch(mib(4) + BigInt(pat) * 0x1000n, { pat, claims: PLAIN })),
  ]),
  scenario('memslot/mmio', 'A PCI BAR in a flagged slot stays uncached', { needs: [...needs, 'pci-bar'] }, [
    mtrrs({ def: MT.WB }),
    memslot(1, 0xe000_0000n, 4, 'pci-bar', FLAG),
    touch(0xe000_0000n, { claims: UC }),
    mtrrs({ def: MT.WC }),
    touch(0xe000_1000n, { claims: UC }),
    touch(mib(4), { claims: PLAIN }),
  ]),
];
