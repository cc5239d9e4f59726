import { readU8s, struct, viewOf } from './bytes.js';

const EXCEPTION = ['injected', 'nr', 'hasErrorCode', 'pending'] as const;
const INTERRUPT = ['injected', 'nr', 'soft', 'shadow'] as const;
const NMI = ['injected', 'pending', 'masked'] as const;
const SMI = ['smm', 'pending', 'smmInsideNmi', 'latchedInit'] as const;

/** Pending and injected events (struct kvm_vcpu_events). */
export interface VcpuEvents {
  exception: Record<(typeof EXCEPTION)[number], number> & { errorCode: number };
  interrupt: Record<(typeof INTERRUPT)[number], number>;
  nmi: Record<(typeof NMI)[number], number>;
  smi: Record<(typeof SMI)[number], number>;
  sipiVector: number;
  /** KVM_VCPUEVENT_VALID_*: which optional fields count. */
  flags: number;
  tripleFaultPending: number;
  exceptionHasPayload: number;
  exceptionPayload: bigint;
}

/** Size of struct kvm_vcpu_events, bytes. */
export const VCPU_EVENTS_SIZE = 64;

const AT = {
  exception: 0,
  errorCode: 4,
  interrupt: 8,
  nmi: 12,
  sipiVector: 16,
  flags: 20,
  smi: 24,
  tripleFault: 28,
  hasPayload: 55,
  payload: 56,
} as const;

/** @internal */
export function decodeEvents(bytes: Uint8Array): VcpuEvents {
  const view = viewOf(bytes);
  return {
    exception: { ...readU8s(view, AT.exception, EXCEPTION), errorCode: view.getUint32(AT.errorCode, true) },
    interrupt: readU8s(view, AT.interrupt, INTERRUPT),
    nmi: readU8s(view, AT.nmi, NMI),
    smi: readU8s(view, AT.smi, SMI),
    sipiVector: view.getUint32(AT.sipiVector, true),
    flags: view.getUint32(AT.flags, true),
    tripleFaultPending: view.getUint8(AT.tripleFault),
    exceptionHasPayload: view.getUint8(AT.hasPayload),
    exceptionPayload: view.getBigUint64(AT.payload, true),
  };
}

/** @internal */
export function encodeEvents(e: VcpuEvents): Uint8Array {
  return struct(VCPU_EVENTS_SIZE, (put) => {
    put.u8s(AT.exception, EXCEPTION, e.exception);
    put.u32(AT.errorCode, e.exception.errorCode, 'errorCode');
    put.u8s(AT.interrupt, INTERRUPT, e.interrupt);
    put.u8s(AT.nmi, NMI, e.nmi);
    put.u8s(AT.smi, SMI, e.smi);
    put.u32(AT.sipiVector, e.sipiVector, 'sipiVector');
    put.u32(AT.flags, e.flags, 'flags');
    put.u8(AT.tripleFault, e.tripleFaultPending, 'tripleFaultPending');
    put.u8(AT.hasPayload, e.exceptionHasPayload, 'exceptionHasPayload');
    put.u64(AT.payload, e.exceptionPayload, 'exceptionPayload');
  });
}
