import { MSR } from '../../arch/msrs.js';
import { msrs, rdmsr, scenario, wrmsr } from '../../scenario/builder.js';
import type { MsrOp, Step } from '../../scenario/types.js';
import { distinct, reads, span, WRITABLE } from './values.js';

/** Numbers that stand for nothing, on both sides of each range of MTRRs. */
const STRAYS = [
  0xfd, 0xff, 0x1ff, 0x210, 0x211, 0x220, 0x24f, 0x251, 0x257, 0x25a, 0x267, 0x270, 0x276, 0x278, 0x27f,
  0x2a0, 0x2fe, 0x300,
];

/** Numbers that the MTRR code refused up to 6.4; since then no code knows them (NARROW_MSRS of the policies). */
const REROUTED = [0x270, 0x276, 0x278, 0x27f, 0x2a0, 0x2fe];

const probe = scenario(
  'msr/probe',
  'Numbers between the MTRRs are invalid or unknown: this tells kernels before 6.5 from those after',
  // The rules of other modules than kvm_intel are not found by probing.
  { needs: ['ept-leaves', 'known-vendor'] },
  [msrs(REROUTED.flatMap((msr) => [{ msr }, { msr, value: 0n }]))],
);

const numbers = scenario(
  'msr/numbers',
  'Numbers around the MTRRs stand for nothing: each access is refused, for the reason of the kernel’s era',
  { needs: ['known-vendor'] },
  [
    msrs(STRAYS.flatMap((msr) => [{ msr }, { msr, value: 0n }])),
    STRAYS.flatMap((msr) => [rdmsr(msr, { by: 'host' }), wrmsr(msr, 0n, { by: 'host' })]),
    msrs([{ msr: MSR.MTRRCAP }, ...reads(WRITABLE)]),
    wrmsr(MSR.MTRRCAP, 0x508n),
    wrmsr(MSR.MTRRCAP, 0x508n, { by: 'host' }),
  ],
);

/** All MSRs, each with another value; `set` makes the values other ones. */
const fill = (set: number): MsrOp[] =>
  WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 1 + i + set * WRITABLE.length) }));

/** Read all MSRs of both vCPUs, by the guest and by the host. */
const readAll: Step[] = [0, 1].flatMap((vcpu) => [
  msrs(reads(WRITABLE), { vcpu }),
  msrs(reads(WRITABLE), { vcpu, by: 'host' }),
]);

const aliases = scenario(
  'msr/aliases',
  'Each MTRR and the PAT of each vCPU has a value of its own, whoever writes it and whoever reads it',
  { needs: ['known-vendor'], vcpus: 2 },
  [
    msrs(fill(0)),
    msrs(fill(1), { vcpu: 1, by: 'host' }),
    readAll,
    msrs(fill(2), { vcpu: 1 }),
    readAll,
    msrs(fill(3), { by: 'host' }),
    readAll,
    // One after the other, each followed by what may have changed with it.
    span(0, 2).flatMap((set) => msrs(fill(4 + set).reverse())),
    readAll,
  ],
);

/** A KVM_SET_MSRS whose third entry is refused. */
const [first, second, third] = fill(1) as [MsrOp, MsrOp, MsrOp];
const STOPPED: readonly MsrOp[] = [
  first,
  second,
  { msr: MSR.DEF_TYPE, value: 7n },
  third,
  { msr: MSR.PAT, value: 0n },
];

/** The entries of KVM_SET_MSRS and KVM_GET_MSRS: fewer than MAX_IO_MSRS, 256. */
const MOST = span(0, 254);

const batches = scenario(
  'msr/batches',
  'KVM_SET_MSRS and KVM_GET_MSRS do the entries before the first that is refused, and say how many',
  { needs: ['known-vendor'] },
  [
    msrs(STOPPED, { by: 'host' }),
    msrs(reads(WRITABLE), { by: 'host' }),
    msrs([{ msr: MSR.PAT, value: 2n }, ...fill(0)], { by: 'host' }),
    msrs(reads(WRITABLE)),
    msrs(reads([MSR.PAT, 0x251, MSR.DEF_TYPE]), { by: 'host' }),
    msrs(reads([0x210, MSR.PAT]), { by: 'host' }),
    // The same MSR twice: the last entry stays.
    msrs([...fill(2), ...fill(3)], { by: 'host' }),
    msrs([...reads(WRITABLE), ...reads(WRITABLE)], { by: 'host' }),
    msrs([...fill(0), { msr: MSR.MTRRCAP, value: 0x508n }, ...fill(1)], { by: 'host' }),
    msrs(reads(WRITABLE)),
    // As many as one ioctl takes.
    msrs(
      MOST.map((n) => fill(n % 20)[n % WRITABLE.length] as MsrOp),
      { by: 'host' },
    ),
    msrs(reads(MOST.map((n) => WRITABLE[n % WRITABLE.length] as number)), { by: 'host' }),
  ],
);

/** Which MSRs there are, and that each is another one. */
export const msrNumbers = [probe, numbers, aliases, batches];
