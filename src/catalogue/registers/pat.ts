import { MT, typeBytes } from '../../arch/memory-types.js';
import { MSR, PAT_RESET } from '../../arch/msrs.js';
import {
  cd,
  mib,
  mtrrs,
  noncoherent,
  rdmsr,
  scenario,
  touch,
  touchMany,
  wrmsr,
} from '../../scenario/builder.js';

const ALIASES = [0, 1, 2, 3, 4, 5, 6, 7];
const ALL_PAT_TYPES = typeBytes(MT.WB, MT.WC, MT.WT, MT.WP, MT['UC-'], MT.UC, MT.WC, MT.WB);

/** Guest PAT: one leaf serves every alias, and PAT writes zap nothing. */
export const pat = [
  scenario(
    'pat/aliases-ipat',
    'Eight PAT aliases of a page share one leaf, and IPAT makes them all write-back',
    {},
    [
      ALIASES.map((pat) => touch(mib(4), { pat })),
      ALIASES.map((pat) => touch(mib(5) + BigInt(pat) * 0x1000n, { pat })),
    ],
  ),
  scenario(
    'pat/aliases-noncoherent',
    'Eight PAT aliases of a page share one leaf that honors PAT',
    {
      needs: ['ept-leaves', 'noncoherent'],
    },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      ALIASES.map((pat) => touch(mib(4), { pat })),
      ALIASES.map((pat) => touch(mib(5) + BigInt(pat) * 0x1000n, { pat })),
    ],
  ),
  scenario(
    'pat/write-no-zap',
    'PAT writes zap nothing and change the effective type where IPAT is clear',
    {
      needs: ['ept-leaves', 'noncoherent'],
    },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB }),
      touchMany(mib(4), 3),
      wrmsr(MSR.PAT, ALL_PAT_TYPES),
      rdmsr(MSR.PAT),
      ALIASES.map((pat) => touch(mib(4), { pat })),
      wrmsr(MSR.PAT, ALL_PAT_TYPES, { by: 'host' }),
      touchMany(mib(4), 3),
      // With CR0.CD set, as the SDM asks for, no more than without.
      cd(true),
      touchMany(mib(4), 3),
      wrmsr(MSR.PAT, PAT_RESET),
      touchMany(mib(4), 3),
      cd(false),
      touchMany(mib(4), 3),
    ],
  ),
];
