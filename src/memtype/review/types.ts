import type { GfnRange } from '../../arch/units.js';
import type { Situation } from '../explain.js';
import type { LinuxGuest } from '../map/regions.js';
import type { Policy } from '../policy.js';

/** How much a finding matters: it costs the guest much, may do so, or is good to know. */
export type Severity = 'error' | 'warning' | 'note';

/** vCPUs whose registers are alike. */
export interface ReviewedVcpus {
  /** `vCPU 0`, `vCPUs 1-3`. */
  readonly who: string;
  readonly situation: Situation;
}

/** Memory of a kind, by name. */
export interface NamedRange extends GfnRange {
  readonly name: string;
}

/** A guest's set-up as far as it is told. */
export interface Setup {
  readonly policy: Policy;
  /** Those of vCPU 0 first. */
  readonly vcpus: readonly ReviewedVcpus[];
  /** None where the memory is not told. */
  readonly ram: readonly NamedRange[];
  /** Persistent memory. */
  readonly pmem?: readonly NamedRange[];
  /** Frames whose MTRR type is not told: nothing is found there. */
  readonly untold?: readonly GfnRange[];
  /** Linux as the guest; undefined where it is not told. */
  readonly linux?: LinuxGuest | undefined;
  /** BARs, device windows, and what lies between RAM. */
  readonly mmio: readonly NamedRange[];
}

/** What is wrong with a set-up, or may be. */
export interface Finding {
  /** Stable name of the rule. */
  readonly rule: string;
  readonly severity: Severity;
  /** What is so, in a sentence without the full stop. */
  readonly text: string;
  /** Who says so: a section of the SDM, or a kernel's function. */
  readonly source: string;
  /** What to do. */
  readonly advice: string;
}

/** What a rule finds: the severity where it differs from the rule's own. */
export interface Found {
  readonly text: string;
  readonly severity?: Severity;
}

/** A rule that a set-up is held against. */
export interface ReviewRule {
  readonly name: string;
  readonly severity: Severity;
  readonly source: string;
  readonly advice: string;
  readonly find: (setup: Setup) => readonly Found[];
}
