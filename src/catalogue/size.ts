import { MT } from '../arch/memory-types.js';
import { memslot, mib, mtrrs, noncoherent, scenario, touch } from '../scenario/builder.js';

/** Two huge leaves in pages of 4 KiB. */
const PAGES = 1024;
const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });

/** The first 2 MiB are of two MTRR types, the next ones of one. */
const twoTypes = mtrrs({ def: MT.UC, ranges: [[MT.WB, mib(64), mib(1)]] });

/** How large a leaf guest MTRRs allow, on memory that the host has in huge pages. */
export const size = [
  scenario(
    'size/mtrrs-without-dma',
    'Guest MTRRs bound the size of a leaf while no DMA is non-coherent, up to 5.19 only',
    { needs: ['ept-leaves', 'huge-pages'] },
    [
      memslot(1, mib(64), PAGES, 'huge-ram'),
      ...twoTypes,
      touch(mib(64), { claims: WB_IPAT }),
      touch(mib(65), { claims: WB_IPAT }),
      touch(mib(66), { claims: WB_IPAT }),
    ],
  ),
  scenario(
    'size/mtrrs-with-dma',
    'With non-coherent DMA a leaf has one MTRR type, up to 6.10',
    { needs: ['ept-leaves', 'huge-pages', 'noncoherent'] },
    [
      noncoherent(true),
      memslot(1, mib(64), PAGES, 'huge-ram'),
      ...twoTypes,
      touch(mib(64), { claims: claim('WB') }),
      touch(mib(65), { claims: claim('UC') }),
      touch(mib(66), { claims: claim('UC') }),
    ],
  ),
];
