import { ALL_POLICIES, type Policy, refusals, type Situation } from '../../memtype/index.js';
import { UsageError } from '../errors.js';

/**
 * Refuse to explain what cannot be: a VM that asked for what the policy's kernels answer EINVAL to.
 *
 * @throws UsageError with the policies that do take it
 */
export function mustBeTaken(policy: Policy, situation: Situation): void {
  const [refused] = refusals(policy, situation);
  if (refused === undefined) return;
  const takers = ALL_POLICIES.filter((other) => !refusals(other, situation).includes(refused));
  const others =
    takers.length === 0
      ? 'no policy takes it'
      : `policies that take it: ${takers.map(({ name }) => name).join(', ')}`;
  throw new UsageError(
    `${refused}: kernels of policy ${policy.name} (${policy.kernels}) do not know it and answer EINVAL; ${others}`,
  );
}
