import { ALL_POLICIES, type Policy, refusals, type Situation } from '../../memtype/index.js';
import { UsageError } from '../errors.js';

const refuses = (policy: Policy, situation: Situation, what: string): boolean =>
  refusals(policy, situation).some((refusal) => refusal.what === what);

/** Names of the policies that take what this one refuses. */
function takers(situation: Situation, what: string): string {
  const names = ALL_POLICIES.filter((other) => !refuses(other, situation, what)).map(({ name }) => name);
  return names.length === 0 ? 'no policy takes it' : `policies that take it: ${names.join(', ')}`;
}

/**
 * Refuse to explain what cannot be: a VM that asked for what the policy's kernels, or this CPU, answer EINVAL to.
 *
 * @throws UsageError with the policies that do take it
 */
export function mustBeTaken(policy: Policy, situation: Situation): void {
  const [refused] = refusals(policy, situation);
  if (refused === undefined) return;
  const reason =
    refused.by === 'cpu'
      ? `on a CPU without self-snoop kernels of policy ${policy.name} take it off their list ` +
        '(vmx_hardware_setup()) and answer EINVAL; leave out --no-self-snoop, or the quirk'
      : `kernels of policy ${policy.name} (${policy.kernels}) do not know it and answer EINVAL`;
  throw new UsageError(`${refused.what}: ${reason}; ${takers(situation, refused.what)}`);
}
