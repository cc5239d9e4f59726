import { MT, typeBytes } from '../../arch/memory-types.js';
import { defType, MSR } from '../../arch/msrs.js';
import {
  discard,
  mib,
  msrs,
  noncoherent,
  physMask,
  restore,
  scenario,
  touch,
} from '../../scenario/builder.js';
import type { MsrOp } from '../../scenario/types.js';
import { readAll, touchAll } from './steps.js';
import { distinct, reads, WRITABLE } from './values.js';

/** Drop the leaves of all these pages. */
const dropAll = discard(0n, 6 * 256);

/** All MTRRs as a machine has them whose guest goes on: fixed ranges, one variable range, and all on. */
const STATE: readonly MsrOp[] = [
  { msr: MSR.FIX64K_00000, value: typeBytes(MT.WT) },
  { msr: MSR.FIX16K_80000, value: typeBytes(MT.WB, MT.WP, MT.UC, MT.WC, MT.WB, MT.WP, MT.UC, MT.WC) },
  { msr: MSR.PHYSMASK0, value: physMask(mib(1)) },
  { msr: MSR.PHYSBASE0, value: mib(4) | BigInt(MT.WC) },
  { msr: MSR.PHYSMASK0 + 14, value: physMask(0x1000n) },
  { msr: MSR.PHYSBASE0 + 14, value: mib(5) | BigInt(MT.WP) },
  { msr: MSR.PAT, value: distinct(MSR.PAT, 1) },
  { msr: MSR.DEF_TYPE, value: defType(MT.WB, { fe: true }) },
];

const byValues = scenario(
  'mtrr/restore',
  'A VMM saves all MTRRs of one vCPU and writes them to another in one ioctl: that one has them, and its types',
  { needs: ['ept-leaves', 'noncoherent'], vcpus: 2 },
  [
    noncoherent(true),
    msrs(STATE, { by: 'host' }),
    touchAll(),
    msrs(reads(STATE.map(({ msr }) => msr)), { by: 'host' }),
    msrs(STATE, { vcpu: 1, by: 'host' }),
    touchAll(1),
    readAll(1),
    // Again, while they are on: what each covers goes.
    msrs(STATE, { vcpu: 1, by: 'host' }),
    touchAll(1),
    readAll(0),
  ],
);

const whole = scenario(
  'restore/whole',
  'A vCPU that is restored from all MSRs of another, the MTRRs too, has its MTRRs, its PAT and its types',
  { needs: ['ept-leaves', 'noncoherent'], vcpus: 2 },
  [
    noncoherent(true),
    msrs(STATE, { by: 'host' }),
    touchAll(),
    restore(1, 0),
    dropAll,
    touchAll(1),
    readAll(1),
    // Into itself: what each MTRR covers goes, and comes again as it was.
    restore(1, 1),
    touchAll(1),
    readAll(1),
    readAll(0),
  ],
);

const listAlone = scenario(
  'restore/list-alone',
  'KVM’s list of MSRs has no MTRR: a vCPU that is restored from it alone has the PAT, and MTRRs that are off',
  { needs: ['ept-leaves', 'noncoherent'], vcpus: 2 },
  [
    noncoherent(true),
    msrs(STATE, { by: 'host' }),
    touch(mib(3), { claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
    restore(1, 0, { mtrrs: false }),
    dropAll,
    touch(mib(3), { vcpu: 1, claims: { A: 'UC', 'A+P2': 'WB', D: 'WB', E: 'WB' } }),
    touchAll(1),
    readAll(1),
  ],
);

/** MTRRs are on before they are there; in STATE the mask of a range comes before its base. */
const BACKWARDS = [...STATE].reverse().filter(({ msr }) => msr !== MSR.PAT);
const [typeFirst] = BACKWARDS as [MsrOp];

const wrongOrder = scenario(
  'restore/wrong-order',
  'MTRRs that are restored in another order, and after a refusal in the middle again, give the same map in the end',
  { needs: ['ept-leaves', 'noncoherent'], vcpus: 2 },
  [
    noncoherent(true),
    msrs([typeFirst, ...BACKWARDS.slice(1, 3), { msr: MSR.PAT, value: 2n }, ...BACKWARDS.slice(3)], {
      by: 'host',
    }),
    touchAll(),
    readAll(0),
    msrs(STATE, { by: 'host' }),
    touchAll(),
    msrs([...BACKWARDS.slice(1), typeFirst], { vcpu: 1, by: 'host' }),
    dropAll,
    touchAll(1),
    readAll(1),
  ],
);

const VCPUS = [0, 1, 2, 3];

const plain = scenario(
  'restore/without-leaves',
  'A vCPU that is restored reads back each MSR that was saved, and the others keep their own',
  { needs: ['known-vendor'], vcpus: VCPUS.length },
  [
    ...VCPUS.map((vcpu) =>
      msrs(
        WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 7 + i + 40 * vcpu) })),
        { vcpu },
      ),
    ),
    ...VCPUS.map(readAll),
    restore(2, 0),
    ...VCPUS.map(readAll),
    restore(3, 1, { mtrrs: false }),
    restore(1, 1),
    ...VCPUS.map(readAll),
  ],
);

/** A VMM saves vCPUs and restores them. */
export const msrRestore = [byValues, whole, listAlone, wrongOrder, plain];
