/** Every code that an agent may send; agent/error-codes.ts holds it against the error classes. */
export const AGENT_ERROR_CODES = [
  'KVM_OPEN',
  'KVM_IOCTL',
  'KVM_MEMORY',
  'KVM_FILE',
  'KVM_ARGUMENT',
  'KVM_CLOSED',
  'KVM_ADDON',
  'DMA',
  'TRACE',
  'WALK',
  'SPEC',
  'PROBE_BOOT',
  'PROBE_PROTOCOL',
  'VMM_BUS_RANGE',
  'VMM_GUEST_EXIT',
  'VMM_GUEST_IMAGE',
  'VMM_GUEST_RUN',
  'VMM_GUEST_TIMEOUT',
  'VMM_OPTION',
  'SYSTEM',
  'INTERNAL',
] as const;

/** What went wrong inside an agent: the code of an error class, `SYSTEM` for a system call, else `INTERNAL`. */
export type AgentErrorCode = (typeof AGENT_ERROR_CODES)[number];
