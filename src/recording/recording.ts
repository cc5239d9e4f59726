import type { TraceEvent } from '../observe/events.js';
import type { Walk } from '../observe/walk.js';
import type { Need } from '../scenario/types.js';
import type { Missing } from '../text/missing.js';
import type { AgentErrorCode } from './error-codes.js';
import type { KernelLogRecord } from './kernel-log.js';
import type { ZapMeasurement } from './zaps.js';

/** What the machine that runs the scenarios is and can do. */
export interface Environment {
  /** `uname -r` */
  release: string;
  /** `uname -v` */
  version: string;
  cpuModel: string;
  /** Revision, as /proc/cpuinfo has it; absent where it has none. */
  microcode?: string;
  vendor: 'intel' | 'amd' | 'other';
  /** How KVM maps guest memory. */
  paging: 'ept' | 'npt' | 'shadow';
  /** KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2), 0 where it is not there. */
  quirks: number;
  /** The CPU snoops its own caches, as far as the kernel believes it; absent in recordings of older agents, where it is taken to. */
  selfSnoop?: boolean;
  /** What the kernel found its processor to be: with MTRRs, with the PAT, how many bits its addresses have; absent as selfSnoop is. */
  cpu?: { mtrr: boolean; pat: boolean; physBits?: number };
  /** How many bits the addresses of memslots can have; absent in recordings of older agents. */
  gpaBits?: number;
  /**
   * False on a kernel whose trace has no event for changes of entries (kvm_tdp_mmu_spte_changed), as that of 5.10; nor have its entries a
   * bit for presence. Absent where nothing is traced, and in recordings of older agents.
   */
  tracesChanges?: boolean;
  /** Device type of KVM_DEV_TYPE_VIRTIO, or the one that it would have. */
  virtioType: number;
  /** KVM_MEM_NON_COHERENT_DMA, or the flag that it would be. */
  memslotFlag: number;
  /** Provider that stands for non-coherent DMA where a scenario names none. */
  noncoherent: string | null;
  /** Values of the module parameters that matter or were asked for, by `module.name`. */
  params: Record<string, string>;
  /**
   * Whether all that the kernel logs comes of the scenario that runs (`own`, in the lab) or others use it too (`shared`), or why its
   * log cannot be read. Absent in recordings of older agents.
   */
  kernelLog?: 'own' | 'shared' | Missing;
  /** Whether an emulator tells, of each access of the guest that reaches memory, how its processor came there. */
  witness?: boolean;
  /** Every need that is not met. */
  missing: Partial<Record<Need, Missing>>;
}

/** Frames that the guest itself uses: its code, stacks and page tables. */
export interface OwnPages {
  gfn: number;
  npages: number;
}

/** What an access of an MSR gave: a write was done, a value was read, or a fault's vector. */
export type MsrResult = true | bigint | number;

/** One KVM_EXIT_X86_RDMSR or, with the value to write, KVM_EXIT_X86_WRMSR. */
export interface MsrExit {
  vcpu: number;
  msr: number;
  write?: bigint;
  /** KVM_MSR_EXIT_REASON_, or that it is none of them. */
  reason: 'INVAL' | 'UNKNOWN' | 'FILTER' | 'other';
}
/** What a VMM saw of MSRs that it saved and restored. */
export interface Restored {
  /** How many it read. */
  saved: number;
  /** How many of them KVM_SET_MSRS took. */
  written: number;
  /** Those that do not read back as they were saved, with both values. */
  odd: readonly { msr: number; saved: bigint; read?: bigint }[];
}

/** What one of several steps at the same time gave: as a step's own record, as far as that can be told apart. */
export type StepPart = Pick<StepRecord, 'ok' | 'value' | 'result' | 'vector'>;

/** What one step gave. */
export interface StepRecord {
  /** Index into the scenario's steps; -1 is the guest's start. */
  step: number;
  /** For MSR steps: false if the access faulted, or if KVM_SET_MSRS refused it. */
  ok?: boolean;
  /** What was read: of rdmsr the value, of cd CR0, of init CR0 as it was left, of ask the answer. */
  value?: bigint;
  /** For init: the address of the instruction that the vCPU would run next. */
  start?: bigint;
  /** For ioctls: `ok`, or the name of the errno. */
  result?: string;
  /** For what faulted in the guest: the vector. For a write by the host: that of an exception which it left the guest. */
  vector?: number;
  /** For guest accesses: how many exits to the VMM they made as MMIO. */
  mmio?: number;
  /** For guest accesses, where an emulator told: how its processor came to the page. */
  walk?: Walk;
  /** For KVM_GET_DIRTY_LOG: the pages of the slot whose bits are set, in order. */
  dirty?: readonly number[];
  /** For an access of L2 that did not end as it should: the exit reason that L1 was given. */
  exit?: number;
  /** For steps at the same time: what each gave. */
  parts?: readonly StepPart[];
  /** How many leaves of 4K, 2M and 1G the VM has after the step, by KVM's own count; absent where the trace tells of all. */
  leaves?: readonly number[];
  /** For msrs: what each access gave; of an ioctl, those before the first that was refused. */
  msrs?: readonly MsrResult[];
  /** For restore: what came of its MSRs. */
  restored?: Restored;
  /** For the guest's MSR accesses: each exit to user space, in order. */
  exits?: readonly MsrExit[];
  /** In order; absent where nothing can be observed. */
  events?: readonly TraceEvent[];
}

/** What is told of every run of a scenario. */
export interface RecordingHead {
  scenario: string;
  durationMs: number;
  /** Why what the scenario took of the kernel or the host could not be given back at its end, if it could not. */
  notGivenBack?: string;
  /** Present wherever the environment says that the kernel's log is read, and something ran. */
  kernelLog?: KernelLogRecord;
}

/** A run that was not made, or that broke off. */
export type UnfinishedRecording =
  | (RecordingHead & { outcome: 'skip'; missing: Missing })
  | (RecordingHead & {
      outcome: 'error';
      code: AgentErrorCode;
      message: string;
      step?: number;
      timedOut?: boolean;
    });

/** Everything that one run of a scenario gave; the judge needs nothing else. */
export type Recording =
  | UnfinishedRecording
  | (RecordingHead & { outcome: 'ran'; infra: readonly OwnPages[]; steps: readonly StepRecord[] });

/** A recording as the agent sends it: reading the trace is left to the parent, which is faster than a lab's processor. */
export type RawRecording =
  | UnfinishedRecording
  | (RecordingHead & {
      outcome: 'ran';
      infra: readonly OwnPages[];
      steps: readonly Omit<StepRecord, 'events'>[];
      /** The text of the trace, packed by packText(); absent where nothing can be observed. */
      trace?: string;
    });

/** One line of what an agent streams to its parent; `R` is RawRecording on its way, Recording once it was read. */
export type AgentMessage<R = Recording> =
  | { type: 'environment'; environment: Environment }
  | { type: 'started'; scenario: string }
  | { type: 'recording'; recording: R }
  | { type: 'zaps'; measurement: ZapMeasurement }
  /** What gcov's counters of one object of KVM hold, packed by packText(). */
  | { type: 'counters'; name: string; data: string }
  | { type: 'end'; count: number }
  | { type: 'failed'; code: AgentErrorCode; message: string };
