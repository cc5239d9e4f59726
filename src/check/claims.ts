import type { Policy } from '../memtype/index.js';
import type { Claims } from '../scenario/types.js';

/**
 * What the scenario's author claims for a policy: under its own name, under that of its era with the same proposals, or
 * under that without them, from which a proposal departs only where a claim of its own says so. Claims are of the types in
 * EPT leaves.
 */
export function claimFor(claims: Claims, policy: Policy): string | undefined {
  if (policy.paging !== 'ept') return undefined;
  const { name, era, base, proposals } = policy;
  return claims[name] ?? claims[[era, ...proposals].join('+')] ?? claims[base] ?? claims[era];
}
