import type { DmaError } from '../dma/index.js';
import type { KvmError } from '../kvm/index.js';
import type { TraceError } from '../observe/events.js';
import type { WalkError } from '../observe/walk.js';
import type { ZapTraceError } from '../observe/zap-calls.js';
import type { ProbeBootError, ProbeProtocolError } from '../probe/index.js';
import { AGENT_ERROR_CODES, type AgentErrorCode } from '../recording/error-codes.js';
import type { SpecError } from '../recording/spec.js';
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
  | WalkError
  | SpecError
  | ZapTraceError
  | ProbeBootError
  | ProbeProtocolError
  | BusRangeError
  | GuestExitError
  | GuestImageError
  | GuestRunError
  | GuestTimeoutError
  | MachineOptionError;

type AgentCode = AgentThrown['code'] | 'SYSTEM' | 'INTERNAL';

// The compiler refuses a code that no class has, and a class whose code is not in the list.
const CODES: ReadonlySet<string> = new Set<AgentCode>(AGENT_ERROR_CODES satisfies readonly AgentCode[]);
const isListed = (code: AgentCode): AgentErrorCode => code;

const isCode = (code: unknown): code is AgentCode => typeof code === 'string' && CODES.has(code);

/** The code of whatever was thrown. */
export function agentErrorCode(error: unknown): AgentErrorCode {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (isCode(code)) return isListed(code);
  return typeof syscall === 'string' ? 'SYSTEM' : 'INTERNAL';
}

/** The text of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
