import type { Rule } from '../memtype/index.js';

/** How much of each kind was held against the model. */
export interface Checks {
  /** Leaf entries seen whose type and IPAT were compared. */
  leaves: number;
  /** Leaf zaps seen and expected. */
  zaps: number;
  /** Leaves that had to stay through a change of state and did. */
  kept: number;
  /** MSR values and faults compared. */
  msrs: number;
  /** Effective types, from the seen leaf and the PAT value that the guest read back. */
  effective: number;
  /** Accesses whose leaf and type were taken from the emulated processor's own walk too, where it told. */
  walks?: number;
  /** Results of ioctls: success, or the errno. */
  ioctls: number;
}

/** One departure from the model. `step` counts from 1; 0 is the guest's start. */
export interface Mismatch {
  step: number;
  stepText: string;
  vcpu?: number;
  gfn?: number;
  what: string;
  expected: string;
  seen: string;
  why: readonly Rule[];
}

/** Tells a departure; the rest of it is known of the step. */
export type Fail = (
  what: string,
  expected: string,
  seen: string,
  o?: Partial<Pick<Mismatch, 'gfn' | 'why'>>,
) => void;

/** A named departure of the kernel from the SDM, or a stale case, that the model expected and that was met. */
export interface Note {
  id: string;
  kernels: string;
  text: string;
}

/** What the judge says of one recording under one policy. */
export interface Verdict {
  status: 'pass' | 'fail' | 'skip' | 'error' | 'timeout';
  checks: Checks;
  mismatches: Mismatch[];
  notes: Note[];
  /** Why there is no verdict, for `error` and `timeout`. */
  message?: string;
}
