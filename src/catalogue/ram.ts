import { MT } from '../arch/memory-types.js';
import {
  deleteMemslot,
  discard,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';

const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };

/** RAM without non-coherent DMA, and what memslot changes and discarded backing do to its leaves. */
export const ram = [
  scenario('ram/default', 'RAM is write-back with IPAT while no DMA is non-coherent', {}, [
    touch(0n, { claims: WB_IPAT }),
    touch(0xa_0000n, { claims: WB_IPAT }),
    touch(0xf_f000n, { claims: WB_IPAT }),
    touch(mib(8), { access: 'write', claims: WB_IPAT }),
    touch(mib(9), { access: 'fetch', claims: WB_IPAT }),
    touchMany(mib(1), 16),
    touchMany(mib(2), 8, { stride: mib(1) }),
  ]),
  scenario(
    'ram/mtrrs-ignored',
    'Guest MTRRs change nothing and zap nothing while no DMA is non-coherent',
    {},
    [
      touchMany(mib(4), 4),
      mtrrs({ def: MT.UC, ranges: [[MT.WC, mib(4), mib(4)]] }),
      touchMany(mib(4), 4),
      touch(mib(5), { claims: WB_IPAT }),
      touch(mib(9), { claims: WB_IPAT }),
    ],
  ),
  scenario(
    'ram/refault',
    'Pages whose backing was discarded get a fresh leaf by the rules in force then',
    {
      needs: ['ept-leaves', 'noncoherent'],
    },
    [
      touchMany(mib(4), 4),
      discard(mib(4), 2),
      touchMany(mib(4), 4),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      touchMany(mib(4), 2),
      discard(mib(4), 1),
      touchMany(mib(4), 2),
    ],
  ),
  scenario('ram/memslot-delete', 'Deleting a memslot drops its leaves and a new one gets fresh ones', {}, [
    memslot(1, mib(64), 16),
    touchMany(mib(64), 4),
    touchMany(mib(4), 4),
    deleteMemslot(1),
    memslot(1, mib(64), 16),
    touchMany(mib(64), 4),
    touchMany(mib(4), 4),
  ]),
];
