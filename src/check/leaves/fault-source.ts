/** Whose faults a step may show. */
export interface FaultSource {
  vcpu: number;
  /** Whether the guest runs; if not, it cannot fault. */
  guestRuns: boolean;
}
