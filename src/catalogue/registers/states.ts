import { MT, typeBytes } from '../../arch/memory-types.js';
import { defType, MSR } from '../../arch/msrs.js';
import {
  cd,
  disableQuirk,
  discard,
  init,
  mib,
  msrs,
  mtrrs,
  noncoherent,
  physMask,
  scenario,
  touch,
  wrmsr,
} from '../../scenario/builder.js';
import type { Need, Step } from '../../scenario/types.js';
import { PAGES, readAll, touchAll } from './steps.js';
import { distinct, WRITABLE } from './values.js';

const initKeeps = scenario(
  'msr/init',
  'An INIT keeps the MTRRs, the PAT, CR0.CD and NW of its vCPU, and those of the other',
  { needs: ['known-vendor'], vcpus: 2 },
  [
    msrs(WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 1 + i) }))),
    msrs(
      WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 41 + i) })),
      { vcpu: 1 },
    ),
    wrmsr(MSR.DEF_TYPE, defType(MT.WP, { fe: true })),
    cd(true),
    init(0),
    readAll(0),
    readAll(1),
    init(1),
    readAll(1),
    cd(false),
    init(0),
    readAll(0),
  ],
);

const initTypes = scenario(
  'mtrr/init',
  'After an INIT pages have the types that they had before',
  { needs: ['ept-leaves', 'noncoherent'] },
  [
    noncoherent(true),
    mtrrs({
      def: MT.WT,
      fe: true,
      fixed: [[MSR.FIX16K_80000, typeBytes(MT.WP)]],
      ranges: [[MT.WC, mib(4), mib(1)]],
    }),
    PAGES.slice(0, 3).map((gpa) => touch(gpa)),
    init(),
    touchAll(),
  ],
);

const sipiKeeps = scenario(
  'msr/sipi',
  'A vCPU that an INIT and a SIPI start at a page of the first megabyte has the MTRRs, the PAT, CR0.CD and NW that it had',
  { needs: ['known-vendor'], vcpus: 2 },
  [
    msrs(
      WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 1 + i) })),
      { vcpu: 1 },
    ),
    wrmsr(MSR.DEF_TYPE, defType(MT.WP, { fe: true }), { vcpu: 1 }),
    init(1, { sipi: 0x08 }),
    cd(true, { vcpu: 1 }),
    init(1, { sipi: 0xff }),
    readAll(1),
    readAll(0),
    // The first vCPU waits for none unless it is told to.
    init(0, { sipi: 0x9a }),
    readAll(0),
  ],
);

const sipiByGuest = scenario(
  'msr/sipi-by-guest',
  'A vCPU that another one’s APIC starts, as a guest starts its processors, has the MTRRs, the PAT, CR0.CD and NW that it had',
  { needs: ['known-vendor'], vcpus: 3 },
  [
    [1, 2].flatMap((vcpu) =>
      msrs(
        WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, vcpu + i) })),
        { vcpu },
      ),
    ),
    cd(true, { vcpu: 2 }),
    init(1, { sipi: 0x9a, from: 0 }),
    init(2, { sipi: 0xff, from: 1 }),
    init(1, { sipi: 0x08, from: 2 }),
    [0, 1, 2].flatMap(readAll),
  ],
);

const sipiTypes = scenario(
  'mtrr/sipi',
  'After an INIT and a SIPI pages have the types that they had before, and those of another vCPU too',
  { needs: ['ept-leaves', 'noncoherent'], vcpus: 2 },
  [
    noncoherent(true),
    [0, 1].flatMap((vcpu) =>
      mtrrs({
        def: vcpu === 0 ? MT.WB : MT.WT,
        fe: true,
        fixed: [[MSR.FIX16K_80000, typeBytes(MT.WP)]],
        ranges: [[MT.WC, mib(4), mib(1)]],
        vcpu,
      }),
    ),
    PAGES.slice(0, 3).map((gpa) => touch(gpa, { vcpu: 1 })),
    init(1, { sipi: 0x10 }),
    touchAll(1),
    discard(0n, 8 * 256),
    touchAll(0),
    init(1, { sipi: 0x10, from: 0 }),
    touchAll(1),
    discard(0n, 8 * 256),
    touchAll(1),
  ],
);

/** An update of all MTRRs as the SDM asks ("MTRR Considerations in MP Systems"): caches off, MTRRs off, write, on, caches on. */
const update = (def: number, range: readonly [type: number, base: bigint]): Step[] => [
  cd(true),
  touch(mib(4)),
  wrmsr(MSR.DEF_TYPE, defType(def, { e: false })),
  touch(mib(5)),
  wrmsr(MSR.FIX64K_00000, typeBytes(range[0])),
  wrmsr(MSR.PHYSBASE0, range[1] | BigInt(range[0])),
  wrmsr(MSR.PHYSMASK0, physMask(mib(1))),
  wrmsr(MSR.DEF_TYPE, defType(def, { fe: true })),
  touch(0n),
  cd(false),
  ...touchAll(),
];

const sdm = (name: string, title: string, needs: readonly Need[], start: readonly Step[]) =>
  scenario(name, title, { needs: ['ept-leaves', 'noncoherent', ...needs] }, [
    noncoherent(true),
    [...start],
    touchAll(),
    update(MT.WB, [MT.WC, mib(4)]),
    update(MT.WT, [MT.UC, mib(5)]),
    update(MT.WT, [MT.WP, mib(3)]),
  ]);

/** What changes, or must not, when a vCPU itself changes its state. */
export const msrStates = [
  initKeeps,
  initTypes,
  sipiKeeps,
  sipiByGuest,
  sipiTypes,
  sdm('mtrr/whole-update', 'A whole update of the MTRRs with CR0.CD set, as the SDM asks', [], []),
  sdm(
    'mtrr/whole-update-no-quirk',
    'A whole update of the MTRRs with CR0.CD set, without the quirk CD_NW_CLEARED',
    ['quirk-cd-nw-cleared'],
    [disableQuirk('cd-nw-cleared')],
  ),
];
