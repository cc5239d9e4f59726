import type { ZapCall } from '../observe/zap-calls.js';

/** One VM to boot. */
export interface ZapCase {
  /** 1 to 8. */
  vcpus: number;
  /** MiB of memory that are mapped when each processor programs its MTRRs. */
  mib: number;
}

/** What one boot gave: the calls of kvm_zap_gfn_range() by each processor, in order. */
export interface ZapMeasurement extends ZapCase {
  calls: ZapCall[][];
}
