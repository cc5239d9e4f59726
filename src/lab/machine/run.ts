import { PAGE_SIZE } from '../../arch/units.js';
import type { GuestFile } from '../image/initramfs.js';
import type { QemuEngine } from './qemu.js';

export type LabEngine = 'bochs' | QemuEngine;

/** A run of a program in the lab. */
export interface LabRun {
  /** Path of a bzImage. */
  kernel: string;
  engine: LabEngine;
  /** Path of the bundled agent: a script or ES module that Node runs inside, by its name. */
  program: string;
  /** Further files for the inside. */
  files: readonly GuestFile[];
  /** The agent's arguments. */
  args: readonly string[];
  /** Whether the kernel keeps a page of 1 GiB for hugetlbfs, in a machine with as much more RAM. */
  gibPage?: boolean;
  /** Module parameters, `module.name=value`, for the kernel's command line. */
  params?: readonly string[];
  /** Milliseconds from the emulator's start to its end. */
  timeoutMs: number;
  /** Called for each line the agent prints, as it comes. Untrusted input. */
  onLine: (line: string) => void;
  /** Called for each line on the kernel's console. */
  onConsole?: (line: string) => void;
  signal?: AbortSignal;
  /** Whether the emulator tells, in WITNESS_PLACE, how its processor walked the guest's tables; Bochs only. */
  witness?: boolean;
  /** Whether a machine may be saved that stands still before its job, and such a one be used instead of a boot. */
  snapshot?: SnapshotUse;
}

/** Where a machine that may be saved finds its job. */
export const JOB_DEVICE = '/dev/pmem1';

/** Bytes of JOB_DEVICE. */
export const JOB_SIZE = 4 << 20;

/** The page behind a job that takes what the emulator tells, guests/lab/witness.c. */
export const WITNESS_PLACE = { device: JOB_DEVICE, offset: JOB_SIZE - PAGE_SIZE };

/**
 * How a machine that has done its job is given another one. It prints `waits`, alone on a line. At `offset` of the device are then two
 * 32-bit words, the number of its next job, from 1, and how many bytes that has; it lies at the device's start. The number is written last.
 */
export const NEXT_JOB = { device: JOB_DEVICE, offset: WITNESS_PLACE.offset - PAGE_SIZE, waits: '#lab waits' };

/** What is otherwise in a machine that may be saved. */
export interface SnapshotUse {
  files: readonly GuestFile[];
  args: readonly string[];
  /** What JOB_DEVICE holds, once the agent has stood still. */
  job: string;
  /** Told why a machine could not be saved or restored; it is booted then. */
  onProblem: (text: string) => void;
}
