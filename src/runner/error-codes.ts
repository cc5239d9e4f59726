import type { DmaError } from '../dma/index.js';
import type { KvmError } from '../kvm/index.js';
import type { TraceError } from '../observe/events.js';
import type { ZapTraceError } from '../observe/zap-calls.js';
import type { ProbeBootError, ProbeProtocolError } from '../probe/index.js';
import type {
  BusRangeError,
  GuestExitError,
  GuestImageError,
  GuestRunError,
  GuestTimeoutError,
  MachineOptionError,
} from '../vmm/index.js';

/** Every error that an agent's own code throws. */
type AgentThrown =
  | KvmError
  | DmaError
  | TraceError
  | ZapTraceError
  | ProbeBootError
  | ProbeProtocolError
  | BusRangeError
  | GuestExitError
  | GuestImageError
  | GuestRunError
  | GuestTimeoutError
  | MachineOptionError;

/** What went wrong inside an agent: the code of an error class, `SYSTEM` for a system call, else `INTERNAL`. */
export type AgentErrorCode = AgentThrown['code'] | 'SYSTEM' | 'INTERNAL';

// The compiler refuses a code that no class has, and a class whose code is not here.
const CODES: Readonly<Record<AgentErrorCode, true>> = {
  KVM_OPEN: true,
  KVM_IOCTL: true,
  KVM_MEMORY: true,
  KVM_FILE: true,
  KVM_ARGUMENT: true,
  KVM_CLOSED: true,
  KVM_ADDON: true,
  DMA: true,
  TRACE: true,
  PROBE_BOOT: true,
  PROBE_PROTOCOL: true,
  VMM_BUS_RANGE: true,
  VMM_GUEST_EXIT: true,
  VMM_GUEST_IMAGE: true,
  VMM_GUEST_RUN: true,
  VMM_GUEST_TIMEOUT: true,
  VMM_OPTION: true,
  SYSTEM: true,
  INTERNAL: true,
};

/** Every code that an agent may send. */
export const AGENT_ERROR_CODES = Object.keys(CODES) as readonly AgentErrorCode[];

const isCode = (code: unknown): code is AgentErrorCode =>
  typeof code === 'string' && Object.hasOwn(CODES, code);

/** The code of whatever was thrown. */
export function agentErrorCode(error: unknown): AgentErrorCode {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (isCode(code)) return code;
  return typeof syscall === 'string' ? 'SYSTEM' : 'INTERNAL';
}

/** The text of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
