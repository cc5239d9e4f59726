import { KvmError } from '../errors.js';
import {
  type CpuidEntry,
  decodeCpuid,
  decodeMsrList,
  decodeMsrValues,
  emptyCpuid,
  emptyMsrList,
  encodeMsrs,
} from '../layout/tables.js';
import { type NativeSystem, native } from '../native.js';
import { AttrHandle } from './device.js';
import { Vm } from './vm.js';

export type { CpuidEntry, MsrEntry } from '../layout/tables.js';

const E2BIG = 7;
const EINVAL = 22;
const API_VERSION = 12;
const MAX_ENTRIES = 4096;

/** Call with more room until the kernel no longer says E2BIG. */
function withRoom<T>(
  make: (count: number) => Uint8Array,
  call: (bytes: Uint8Array) => void,
  decode: (b: Uint8Array) => T,
): T {
  for (let count = 128; ; count *= 2) {
    const bytes = make(count);
    try {
      call(bytes);
      return decode(bytes);
    } catch (error) {
      if (!(error instanceof KvmError && error.errno === E2BIG && count < MAX_ENTRIES)) throw error;
    }
  }
}

/** /dev/kvm: what this host's KVM can do, and where VMs come from. */
export class Kvm extends AttrHandle<NativeSystem> {
  /**
   * Open the KVM device.
   * @throws KvmError `KVM_OPEN` if it is absent, not permitted, busy, or of another API version than 12
   */
  static open(path = '/dev/kvm'): Kvm {
    const kvm = new Kvm(open(path));
    const version = kvm.apiVersion();
    if (version !== API_VERSION) {
      kvm.close();
      throw new KvmError(
        'KVM_OPEN',
        `opening ${path}`,
        EINVAL,
        `its API version is ${version}, not ${API_VERSION}`,
      );
    }
    return kvm;
  }

  /**
   * KVM_GET_API_VERSION.
   * Needs basic KVM.
   */
  apiVersion(): number {
    return this.native.apiVersion();
  }

  /**
   * KVM_CHECK_EXTENSION: 0 if there is no such capability.
   * Needs basic KVM.
   */
  checkExtension(cap: number): number {
    return this.native.checkExtension(cap);
  }

  /**
   * KVM_GET_VCPU_MMAP_SIZE, bytes.
   * Needs basic KVM.
   */
  vcpuMmapSize(): number {
    return this.native.vcpuMmapSize();
  }

  /**
   * KVM_GET_SUPPORTED_CPUID.
   * Needs KVM_CAP_EXT_CPUID.
   * @throws KvmError `KVM_IOCTL`: ENOMEM
   */
  supportedCpuid(): CpuidEntry[] {
    return withRoom(emptyCpuid, (bytes) => this.native.supportedCpuid(bytes), decodeCpuid);
  }

  /**
   * KVM_GET_EMULATED_CPUID.
   * Needs KVM_CAP_EXT_EMUL_CPUID.
   * @throws KvmError `KVM_IOCTL`: ENOMEM
   */
  emulatedCpuid(): CpuidEntry[] {
    return withRoom(emptyCpuid, (bytes) => this.native.emulatedCpuid(bytes), decodeCpuid);
  }

  /**
   * KVM_GET_MSR_INDEX_LIST: the MSRs that can be saved and restored.
   * Needs basic KVM.
   */
  msrIndexList(): number[] {
    return withRoom(emptyMsrList, (bytes) => this.native.msrIndexList(bytes), decodeMsrList);
  }

  /**
   * KVM_GET_MSR_FEATURE_INDEX_LIST: the MSRs that describe features.
   * Needs KVM_CAP_GET_MSR_FEATURES.
   * @throws KvmError `KVM_IOCTL`: ENOTTY on kernels before 4.17
   */
  msrFeatureIndexList(): number[] {
    return withRoom(emptyMsrList, (bytes) => this.native.msrFeatureIndexList(bytes), decodeMsrList);
  }

  /**
   * KVM_GET_MSRS on the system: values of feature MSRs, up to the first that cannot be read.
   * Needs KVM_CAP_GET_MSR_FEATURES.
   * @throws KvmError `KVM_IOCTL`: E2BIG over 256 at once
   */
  getFeatureMsrs(indices: readonly number[]): bigint[] {
    const bytes = encodeMsrs(indices.map((index) => ({ index })));
    return decodeMsrValues(bytes, this.native.getMsrs(bytes));
  }

  /**
   * KVM_CREATE_VM.
   * Needs basic KVM.
   * @param type KVM_X86_*_VM, 0 for the default
   * @throws KvmError `KVM_IOCTL`: EINVAL the type is none of KVM_CAP_VM_TYPES; ENOMEM; EBUSY virtualization cannot
   * be turned on
   */
  createVm(type = 0): Vm {
    return new Vm(this.native.createVm(type));
  }
}

function open(path: string): NativeSystem {
  try {
    return native().openSystem(path);
  } catch (error) {
    if (!(error instanceof KvmError && error.code === 'KVM_OPEN')) throw error;
    throw new KvmError('KVM_OPEN', `opening ${path}`, error.errno);
  }
}
