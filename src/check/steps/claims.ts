import type { Leaf, Policy } from '../../memtype/index.js';
import type { Claims } from '../../scenario/types.js';
import type { Fail } from '../verdict.js';

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

/** Hold the model itself against what the scenario's author wrote down for this policy. */
export function judgeClaim(claims: Claims, policy: Policy, leaf: Leaf | undefined, fail: Fail): void {
  const claim = claimFor(claims, policy);
  if (claim === undefined || leaf === undefined || leaf.type === 'none') return;
  const model = `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`;
  if (claim !== model) fail('model', `${claim} (the scenario's own claim)`, model, leaf);
}
