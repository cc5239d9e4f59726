import type { MemType } from '../../arch/memory-types.js';
import { type Explanation, explainPage, type Situation } from '../explain.js';
import type { Policy } from '../policy.js';
import { effectiveType } from '../sdm/effective.js';
import { patType } from '../sdm/pat.js';

/** What becomes of a page that all vCPUs share if one of them touches it first. */
export interface FirstTouch {
  readonly made: Explanation;
  /** The type of each vCPU's accesses through that leaf, in their order. */
  readonly effective: readonly MemType[];
}

/** The page as each vCPU would have it if it came first: they share one leaf, and each has its own PAT. */
export function firstTouches(policy: Policy, vcpus: readonly Situation[], gfn: number): FirstTouch[] {
  const own = vcpus.map((vcpu) => explainPage(policy, vcpu, gfn));
  return own.map((made) => ({
    made,
    effective: vcpus.map((vcpu, i) =>
      policy.paging === 'ept'
        ? effectiveType(made.type, made.ipat, patType(vcpu.pat, vcpu.patEntry))
        : (own[i] as Explanation).effective,
    ),
  }));
}
