import { getSystemErrorMessage, getSystemErrorName } from './errno.js';

/**
 * What failed, for programs:
 * - `KVM_OPEN`: /dev/kvm or a VFIO node cannot be opened, or is not what it should be
 * - `KVM_IOCTL`: the kernel refused an ioctl
 * - `KVM_MEMORY`: a mapping cannot be made or changed
 * - `KVM_FILE`: an eventfd, stats or guest_memfd file refused a read or write
 * - `KVM_ARGUMENT`: an argument breaks a rule; the kernel was not asked
 * - `KVM_CLOSED`: the object was closed before
 * - `KVM_ADDON`: the native addon is missing or does not load
 */
export type KvmErrorCode =
  | 'KVM_OPEN'
  | 'KVM_IOCTL'
  | 'KVM_MEMORY'
  | 'KVM_FILE'
  | 'KVM_ARGUMENT'
  | 'KVM_CLOSED'
  | 'KVM_ADDON';

/** Why /dev/kvm does not open, and what to do, by errno. */
const OPEN_HINTS: Record<string, string> = {
  ENOENT: 'KVM is not available: load kvm_intel or kvm_amd, and turn virtualization on in the firmware',
  ENXIO: 'KVM is not available: load kvm_intel or kvm_amd, and turn virtualization on in the firmware',
  ENODEV: 'KVM is not available: load kvm_intel or kvm_amd, and turn virtualization on in the firmware',
  EACCES: 'no permission: join the group that owns the device (usually kvm) or run as root',
  EPERM: 'no permission: a container or a security policy denies the device',
  EBUSY: 'virtualization is in use by another hypervisor: stop it first',
  ENOTTY: 'it is not the KVM device',
};

/** The one error that src/kvm throws. */
export class KvmError extends Error {
  override readonly name = 'KvmError';
  /** Symbolic errno such as `EINVAL`. */
  readonly errnoName: string;

  /**
   * Say in one sentence what failed, and why.
   * @param code what kind of failure it is
   * @param operation the ioctl, system call or argument that failed, such as `KVM_CREATE_VM`
   * @param errno positive errno
   * @param detail says more than the errno's own text
   */
  constructor(
    readonly code: KvmErrorCode,
    readonly operation: string,
    readonly errno: number,
    detail = '',
  ) {
    super(sentence(code, operation, errno, detail));
    this.errnoName = getSystemErrorName(errno);
  }
}

function sentence(code: KvmErrorCode, operation: string, errno: number, detail: string): string {
  if (code === 'KVM_ARGUMENT') return `${operation}: ${detail}`;
  if (code === 'KVM_CLOSED') return `${operation}: already closed`;
  const name = getSystemErrorName(errno);
  const hint = detail || (code === 'KVM_OPEN' ? OPEN_HINTS[name] : '');
  return `${operation} failed: ${name}, ${hint || getSystemErrorMessage(errno)}`;
}
