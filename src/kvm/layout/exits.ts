import * as uapi from '../uapi.js';

/** An exit to user space, decoded; named after its KVM_EXIT_ constant. */
export type VcpuExit =
  | { kind: 'io'; direction: 'in' | 'out'; port: number; size: number; count: number; data: number[] }
  | { kind: 'mmio'; address: bigint; length: number; isWrite: boolean; data: number[] }
  | { kind: 'rdmsr'; index: number; reason: number }
  | { kind: 'wrmsr'; index: number; reason: number; data: bigint }
  | { kind: 'hlt' | 'intr' | 'shutdown' | 'irq-window-open' | 'dirty-ring-full' | 'bus-lock' | 'nmi' }
  | { kind: 'internal-error'; suberror: number; data: bigint[] }
  | { kind: 'fail-entry'; hardwareReason: bigint; cpu: number }
  | { kind: 'exception'; exception: number; errorCode: number }
  | { kind: 'system-event'; type: number; data: bigint[] }
  | { kind: 'memory-fault'; flags: bigint; gpa: bigint; size: bigint }
  | { kind: 'hypercall'; nr: bigint; args: bigint[]; longmode: boolean }
  | { kind: 'debug'; exception: number; pc: bigint; dr6: bigint; dr7: bigint }
  | { kind: 'ioapic-eoi'; vector: number }
  | { kind: 'notify'; flags: number }
  | { kind: 'unknown'; reason: number; raw: bigint[] };

const UNION = 32;
/** Words that internal-error and system-event data have room for. */
const MAX_DATA = 16;

const u32 = (view: DataView, at: number) => view.getUint32(UNION + at, true);
const u64 = (view: DataView, at: number) => view.getBigUint64(UNION + at, true);

function words(view: DataView, at: number, count: number): bigint[] {
  return Array.from({ length: Math.min(count, MAX_DATA) }, (_, i) => u64(view, at + 8 * i));
}

/** What a KvmRun reads of its page; no more of it is known here, as it calls decodeExit(). */
interface ExitFields {
  exitReason: number;
  ioDirection: number;
  ioPort: number;
  ioSize: number;
  ioCount: number;
  getIoData(index: number): number;
  mmioAddress: bigint;
  mmioLength: number;
  mmioIsWrite: boolean;
  mmioData: Uint8Array;
  msrIndex: number;
  msrReason: number;
  msrData: bigint;
  raw(): bigint[];
}

type Decoder = (view: DataView, run: ExitFields) => VcpuExit;

const plain =
  (kind: 'hlt' | 'intr' | 'shutdown' | 'irq-window-open' | 'dirty-ring-full' | 'bus-lock' | 'nmi') => () =>
    ({ kind }) as const;

const DECODERS: Record<number, Decoder> = {
  [uapi.KVM_EXIT_IO]: (_, run) => ({
    kind: 'io',
    direction: run.ioDirection === uapi.KVM_EXIT_IO_IN ? 'in' : 'out',
    port: run.ioPort,
    size: run.ioSize,
    count: run.ioCount,
    data: Array.from({ length: run.ioCount }, (_, i) => run.getIoData(i)),
  }),
  [uapi.KVM_EXIT_MMIO]: (_, run) => ({
    kind: 'mmio',
    address: run.mmioAddress,
    length: run.mmioLength,
    isWrite: run.mmioIsWrite,
    data: [...run.mmioData.subarray(0, run.mmioLength)],
  }),
  [uapi.KVM_EXIT_X86_RDMSR]: (_, run) => ({ kind: 'rdmsr', index: run.msrIndex, reason: run.msrReason }),
  [uapi.KVM_EXIT_X86_WRMSR]: (_, run) => ({
    kind: 'wrmsr',
    index: run.msrIndex,
    reason: run.msrReason,
    data: run.msrData,
  }),
  [uapi.KVM_EXIT_HLT]: plain('hlt'),
  [uapi.KVM_EXIT_INTR]: plain('intr'),
  [uapi.KVM_EXIT_SHUTDOWN]: plain('shutdown'),
  [uapi.KVM_EXIT_IRQ_WINDOW_OPEN]: plain('irq-window-open'),
  [uapi.KVM_EXIT_DIRTY_RING_FULL]: plain('dirty-ring-full'),
  [uapi.KVM_EXIT_X86_BUS_LOCK]: plain('bus-lock'),
  [uapi.KVM_EXIT_NMI]: plain('nmi'),
  [uapi.KVM_EXIT_INTERNAL_ERROR]: (view) => ({
    kind: 'internal-error',
    suberror: u32(view, 0),
    data: words(view, 8, u32(view, 4)),
  }),
  [uapi.KVM_EXIT_FAIL_ENTRY]: (view) => ({
    kind: 'fail-entry',
    hardwareReason: u64(view, 0),
    cpu: u32(view, 8),
  }),
  [uapi.KVM_EXIT_EXCEPTION]: (view) => ({
    kind: 'exception',
    exception: u32(view, 0),
    errorCode: u32(view, 4),
  }),
  [uapi.KVM_EXIT_SYSTEM_EVENT]: (view) => ({
    kind: 'system-event',
    type: u32(view, 0),
    data: words(view, 8, u32(view, 4)),
  }),
  [uapi.KVM_EXIT_MEMORY_FAULT]: (view) => ({
    kind: 'memory-fault',
    flags: u64(view, 0),
    gpa: u64(view, 8),
    size: u64(view, 16),
  }),
  [uapi.KVM_EXIT_HYPERCALL]: (view) => ({
    kind: 'hypercall',
    nr: u64(view, 0),
    args: words(view, 8, 6),
    longmode: u32(view, 64) !== 0,
  }),
  [uapi.KVM_EXIT_DEBUG]: (view) => ({
    kind: 'debug',
    exception: u32(view, 0),
    pc: u64(view, 8),
    dr6: u64(view, 16),
    dr7: u64(view, 24),
  }),
  [uapi.KVM_EXIT_IOAPIC_EOI]: (view) => ({ kind: 'ioapic-eoi', vector: view.getUint8(UNION) }),
  [uapi.KVM_EXIT_NOTIFY]: (view) => ({ kind: 'notify', flags: u32(view, 0) }),
};

/** @internal Decode the exit that kvm_run holds; one that is not known keeps its raw fields. */
export function decodeExit(view: DataView, run: ExitFields): VcpuExit {
  const reason = run.exitReason;
  const decoder = DECODERS[reason];
  return decoder ? decoder(view, run) : { kind: 'unknown', reason, raw: run.raw() };
}
