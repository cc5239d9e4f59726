import type { Reasons } from './compare.js';

/** How an image is run, in QEMU and as our guest alike. */
export interface Case extends Reasons {
  /** Name of the image, without `.flat`. */
  image: string;
  /** CPUs; 1 unless told. */
  cpus?: number;
  /** The test's own arguments. */
  args?: string;
  /** MiB of RAM; 128 unless told. */
  memory?: number;
  /** QEMU's CPU model; the lab's Haswell without what TCG lacks, unless told. */
  cpu?: string;
  /** Why it is not run at all. */
  skip?: string;
}

/** The machine that the lab emulates, as near as QEMU's TCG comes to it. */
export const DEFAULT_CPU = 'Haswell-noTSX';

export const MEMORY_MIB = 128;

/** The command line of a test, which begins with its name, as QEMU has it. */
export const cmdlineOf = ({ image, args }: Case): string => [`${image}.flat`, args].filter(Boolean).join(' ');

const NO_HYPERCALLS = 'TCG has no hypercalls: `vmcall` is a #UD';
const LA57_HANGS = 'TCG hangs at the `mov` to CR4 that changes LA57, where a CPU gives #GP';
const KVM_ONLY = 'QEMU skips it: only KVM has what it tests';
const TOO_LONG = 'it needs more than the 60 seconds, in TCG too';

/** What differs from one CPU and no arguments. Images that are not named run all the same. */
export const CASES: readonly Case[] = [
  { image: 'access_test', skip: TOO_LONG },
  {
    image: 'apic',
    cpus: 2,
    qemu: "QEMU's local APIC stays off once it was off, and the test stops at its start",
  },
  { image: 'asyncpf', ours: `${KVM_ONLY}; as our guest it wants 1 GiB` },
  { image: 'debug', qemu: 'TCG never gets past an `int1` that follows a load of SS' },
  { image: 'emulator', qemu: 'TCG does not emulate what five of them test, and stops at the sixth' },
  { image: 'hpet_read_test', ours: 'our PC has no HPET' },
  { image: 'hypercall', qemu: NO_HYPERCALLS },
  { image: 'idt_test', qemu: LA57_HANGS },
  { image: 'intel-iommu', skip: "it tests QEMU's emulated IOMMU" },
  { image: 'ioapic', cpus: 4 },
  { image: 'kvmclock_test', cpus: 2, qemu: KVM_ONLY },
  { image: 'la57', qemu: LA57_HANGS },
  { image: 'lam', qemu: LA57_HANGS },
  { image: 'msr', qemu: 'TCG takes non-canonical bases of FS and GS, and the test ends with its GS' },
  { image: 'pcid', qemu: 'TCG has no PCID, and yet takes CR4.PCIDE; the lab has PCID' },
  { image: 'pmu', qemu: 'TCG has no `rdpmc`: a #UD, where a CPU gives #GP' },
  { image: 's3', skip: 'our PC does not sleep, and has no clock that would wake it' },
  { image: 'sieve', skip: TOO_LONG },
  { image: 'smptest', cpus: 3 },
  {
    image: 'syscall',
    ours: '32-bit `syscall` is a #UD on an Intel CPU, as KVM has it; its own configuration wants one of AMD',
  },
  { image: 'tsc_adjust', qemu: 'QEMU skips it: TCG has no TSC_ADJUST MSR' },
  { image: 'umip', cpu: `${DEFAULT_CPU},+umip` },
  { image: 'vmexit', skip: 'it measures times, and gives no verdict' },
  { image: 'vmware_backdoors', ours: 'QEMU has a device at the VMware port, our PC has none' },
  { image: 'vmx', skip: 'TCG has no VT-x' },
];

/** The case of an image. */
export const caseOf = (image: string): Case => CASES.find((known) => known.image === image) ?? { image };
