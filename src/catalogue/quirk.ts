import { MT, typeBytes } from '../arch/memory-types.js';
import { MSR } from '../arch/msrs.js';
import {
  cd,
  disableQuirk,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';

const needs = ['ept-leaves', 'noncoherent'] as const;
const ignored = ['ept-leaves', 'quirk-ignore-guest-pat'] as const;

/** Pages of 4 KiB in a huge one. */
const HUGE = 512;

/** Every bit of a mask of quirks, all but the one that makes the guest's PAT count, which comes last. */
const ALL_BITS = [...Array.from({ length: 32 }, (_, i) => 2 ** i).filter((bit) => bit !== 0x200), 0x200];

/** The quirk that makes KVM ignore the guest's PAT, which stands for non-coherent DMA on newer kernels, and calls that disable quirks. */
export const quirk = [
  scenario(
    'quirk/by-number',
    'KVM disables just the quirks that it has: a call with any other one is refused, and changes nothing',
    { needs },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      cd(true),
      touch(mib(4)),
      ALL_BITS.flatMap((bit) => [disableQuirk(bit), touch(mib(6) + BigInt(Math.log2(bit)) * 0x1000n)]),
      cd(false),
      touch(mib(4)),
      // The last call decides up to 6.15, and adds from 6.16 on; one that is refused does neither.
      disableQuirk(0x2),
      disableQuirk(0x4000_0001),
      [cd(true), touch(mib(4)), touch(mib(5))],
      disableQuirk(0x1),
      [cd(false), touch(mib(4)), touch(mib(7))],
      disableQuirk(0),
      [cd(true), touch(mib(8))],
    ],
  ),
  scenario(
    'quirk/one-by-one',
    'A quirk stays disabled when another one is disabled after it',
    { needs: [...ignored, 'quirk-cd-nw-cleared'] },
    [disableQuirk('ignore-guest-pat'), disableQuirk('cd-nw-cleared'), touch(mib(4), { claims: { E: 'WB' } })],
  ),
  scenario(
    'quirk/old-capability',
    'KVM_CAP_DISABLE_QUIRKS disables the quirks that there are, refuses none that are not, and those disabled before stay so',
    { needs: [...ignored, 'quirk-cd-nw-cleared'] },
    [
      touch(mib(4), { claims: { E: 'WB+IPAT' } }),
      disableQuirk(0x2),
      disableQuirk(0x4000_0200, { old: true }),
      touch(mib(5), { claims: { E: 'WB' } }),
      disableQuirk(0x8000_0000, { old: true }),
      touch(mib(6)),
      disableQuirk(0x8000_0000),
      touch(mib(7), { claims: { E: 'WB' } }),
    ],
  ),
  scenario(
    'quirk/off',
    'Disabling IGNORE_GUEST_PAT honors guest PAT without any device',
    { needs: ignored },
    [
      disableQuirk('ignore-guest-pat'),
      touch(0n, { claims: { E: 'WB' } }),
      touch(mib(4), { claims: { E: 'WB' } }),
      touchMany(mib(5), 4),
      mtrrs({ def: MT.UC }),
      touch(mib(4)),
      touch(mib(8), { claims: { E: 'WB' } }),
      // Nor do the ranges of MTRRs count, in place of the PAT or beside it, or CR0.CD.
      mtrrs({
        def: MT.WB,
        ranges: [[MT.UC, mib(8), mib(4)]],
        fe: true,
        fixed: [[MSR.FIX64K_00000, typeBytes(MT.WT)]],
      }),
      [0x1000n, mib(9), mib(12)].map((gpa) => touch(gpa, { claims: { E: 'WB' } })),
      cd(true),
      [0x2000n, mib(10), mib(13)].map((gpa) => touch(gpa, { claims: { E: 'WB' } })),
    ],
  ),
  scenario(
    'quirk/s3-stale',
    'Disabling the quirk leaves the leaves that are there as they are (stale case s3)',
    { needs: ignored },
    [
      touchMany(mib(4), 3),
      disableQuirk('ignore-guest-pat'),
      touchMany(mib(4), 3),
      touch(mib(8), { claims: { E: 'WB' } }),
    ],
  ),
  scenario(
    'quirk/s4-stale-device',
    'A device that comes after the quirk was disabled zaps nothing (stale case s4)',
    {
      needs: [...ignored, 'noncoherent'],
    },
    [
      touchMany(mib(4), 3),
      disableQuirk('ignore-guest-pat'),
      noncoherent(true),
      touchMany(mib(4), 3),
      touch(mib(8), { claims: { E: 'WB' } }),
      noncoherent(false),
      touch(mib(9), { claims: { E: 'WB' } }),
    ],
  ),
  scenario(
    'quirk/s5-huge-recovery',
    'When dirty logging ends, a huge leaf takes the IPAT of the first small one for all (stale case s5)',
    { needs: [...ignored, 'tdp-mmu', 'huge-pages'] },
    [
      memslot(1, mib(64), HUGE, 'huge-ram', { flags: ['log-dirty-pages'] }),
      touch(mib(64), { claims: { E: 'WB+IPAT' } }),
      disableQuirk('ignore-guest-pat'),
      touch(mib(64) + 0x1000n, { claims: { E: 'WB' } }),
      memslot(1, mib(64), HUGE, 'huge-ram', { flags: [] }),
      touch(mib(64) + 0x1000n, { claims: { E: 'WB+IPAT', 'E-6.12': 'WB' } }),
      touch(mib(64) + 0x5000n, { claims: { E: 'WB+IPAT', 'E-6.12': 'WB' } }),
    ],
  ),
];
