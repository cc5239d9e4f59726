/** How an image is run, in QEMU and as our guest alike. */
export interface Case {
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
  /** Why its results differ, where they do. */
  differs?: string;
}

/** The machine that the lab emulates, as near as QEMU's TCG comes to it. */
export const DEFAULT_CPU = 'Haswell-noTSX';

export const MEMORY_MIB = 128;

/** The command line of a test, which begins with its name, as QEMU has it. */
export const cmdlineOf = ({ image, args }: Case): string => [`${image}.flat`, args].filter(Boolean).join(' ');

/** What differs from one CPU and no arguments. Images that are not named run all the same. */
export const CASES: readonly Case[] = [
  { image: 'apic', cpus: 2 },
  { image: 'emulator', differs: 'TCG does not emulate what five of them test, and stops at the sixth' },
  { image: 'hpet_read_test', differs: 'our PC has no HPET' },
  { image: 'ioapic', cpus: 4 },
  { image: 'kvmclock_test', cpus: 2 },
  { image: 'msr', differs: 'TCG takes a non-canonical FS base, and the test stops there' },
  { image: 'smptest', cpus: 3 },
  { image: 'syscall', differs: 'its own configuration wants an AMD CPU, the lab has one of Intel' },
  { image: 'umip', cpu: `${DEFAULT_CPU},+umip` },
  { image: 'vmware_backdoors', differs: 'QEMU has a device at the VMware port, our PC has none' },
];

/** The case of an image. */
export const caseOf = (image: string): Case => CASES.find((known) => known.image === image) ?? { image };
