import { MT, typeBytes } from '../../arch/memory-types.js';
import { defType, MSR, PAT_RESET } from '../../arch/msrs.js';
import { mib, mtrrs, noncoherent, physMask, rdmsr, scenario, touch, wrmsr } from '../../scenario/builder.js';
import { GUEST_MAXPHYADDR } from '../../scenario/types.js';

/** Writes that KVM must refuse with #GP (kvm_mtrr_valid, kvm_pat_valid). */
const BAD_MTRR: readonly (readonly [msr: number, value: bigint])[] = [
  [MSR.DEF_TYPE, defType(2)],
  [MSR.DEF_TYPE, defType(MT.WB) | (1n << 8n)],
  [MSR.DEF_TYPE, defType(MT.WB) | (1n << 12n)],
  [MSR.PHYSBASE0, mib(4) | 7n],
  [MSR.PHYSBASE0, mib(4) | (1n << 8n)],
  [MSR.PHYSBASE0, 1n << BigInt(GUEST_MAXPHYADDR)],
  [MSR.PHYSMASK0, physMask(mib(4)) | 1n],
  [MSR.PHYSMASK0, physMask(mib(4)) | (1n << BigInt(GUEST_MAXPHYADDR))],
  [MSR.FIX64K_00000, typeBytes(MT.WB, MT.WB, MT.WB, 3, MT.WB, MT.WB, MT.WB, MT.WB)],
  [MSR.MTRRCAP, 0n],
];

const BAD_PAT = [2n, 3n, 8n, 0xffn].map((type) => (PAT_RESET & ~0xff00n) | (type << 8n));

const PAT_WC = typeBytes(MT.WB, MT.WC, MT['UC-'], MT.UC, MT.WP, MT.WT, MT['UC-'], MT.UC);

const validity = [
  ...BAD_MTRR.map(([msr, value]) => wrmsr(msr, value)),
  rdmsr(MSR.DEF_TYPE),
  rdmsr(MSR.PHYSBASE0),
  rdmsr(MSR.PHYSMASK0),
  rdmsr(MSR.FIX64K_00000),
  rdmsr(MSR.MTRRCAP),
];

const readback = [
  ...mtrrs({
    def: MT.WB,
    fe: true,
    fixed: [[MSR.FIX16K_80000, typeBytes(MT.WP)]],
    ranges: [[MT.UC, mib(8), mib(8)]],
  }),
  rdmsr(MSR.DEF_TYPE),
  rdmsr(MSR.FIX16K_80000),
  rdmsr(MSR.PHYSBASE0),
  rdmsr(MSR.PHYSMASK0),
];

/** MTRR and PAT MSRs themselves: validity, values read back, exits to user space. */
export const msr = [
  scenario(
    'msr/invalid-mtrr',
    'An invalid MTRR write faults in the guest and changes nothing',
    { needs: [] },
    validity,
  ),
  scenario(
    'msr/invalid-pat',
    'An invalid PAT write faults in the guest and changes nothing',
    { needs: ['known-vendor'] },
    [
      rdmsr(MSR.PAT),
      ...BAD_PAT.map((value) => wrmsr(MSR.PAT, value)),
      rdmsr(MSR.PAT),
      wrmsr(MSR.PAT, PAT_WC),
      rdmsr(MSR.PAT),
    ],
  ),
  scenario(
    'msr/readback',
    'MTRRs read back as written, whether or not they have an effect',
    { needs: [] },
    readback,
  ),
  scenario(
    'filter/invalid',
    'With an MSR filter the VMM refuses what KVM would',
    { needs: [], msrMode: 'filter' },
    [...validity, ...BAD_PAT.map((value) => wrmsr(MSR.PAT, value)), rdmsr(MSR.PAT)],
  ),
  scenario(
    'filter/readback',
    'Filtered writes that are forwarded read back',
    { needs: [], msrMode: 'filter' },
    [...readback, wrmsr(MSR.PAT, PAT_WC), rdmsr(MSR.PAT)],
  ),
  scenario(
    'filter/dropped-readback',
    'A filtered write that is not forwarded is the VMM’s alone: KVM’s own MSRs stay',
    { needs: [], msrMode: 'filter-drop' },
    [
      ...readback,
      wrmsr(MSR.PAT, PAT_WC),
      rdmsr(MSR.PAT),
      ...[MSR.DEF_TYPE, MSR.FIX16K_80000, MSR.PHYSBASE0, MSR.PHYSMASK0, MSR.PAT].map((msr) =>
        rdmsr(msr, { by: 'host' }),
      ),
    ],
  ),
  scenario(
    'filter/forwarded',
    'Filtered MTRR writes that are forwarded give the same EPT as KVM’s own emulation',
    {
      needs: ['ept-leaves', 'noncoherent'],
      msrMode: 'filter',
    },
    [
      noncoherent(true),
      touch(mib(4)),
      mtrrs({ def: MT.WB, ranges: [[MT.WC, mib(4), mib(4)]] }),
      touch(mib(4), { claims: { A: 'WC', B: 'WC', D: 'WB', E: 'WB' } }),
      touch(mib(8), { claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
    ],
  ),
  scenario(
    'filter/dropped',
    'Filtered MTRR writes that are not forwarded change no type and zap nothing',
    {
      needs: ['ept-leaves', 'noncoherent'],
      msrMode: 'filter-drop',
    },
    [
      noncoherent(true),
      touch(mib(4)),
      mtrrs({ def: MT.WB, ranges: [[MT.WC, mib(4), mib(4)]] }),
      touch(mib(4)),
      touch(mib(5), { claims: { A: 'UC', B: 'UC', D: 'WB', E: 'WB' } }),
    ],
  ),
];
