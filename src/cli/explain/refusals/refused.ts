import {
  ALL_POLICIES,
  hasVmType,
  type Policy,
  refusals,
  type Situation,
  type VmType,
} from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';

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

const TITLES: Readonly<Record<VmType, string>> = { tdx: 'TDX', snp: 'SEV-SNP' };

/** What becomes of a TD that sets CR0.CD. */
export const TD_CD = 'a TD cannot set CR0.CD, which gives it a #VE (TDX module)';

/** Why a VM cannot be of the type that is told; undefined if it can. */
function wrongType(policy: Policy, { vmType, cd, selfSnoop, l2 }: Situation): string | undefined {
  if (l2 && policy.paging !== 'ept')
    return `--l2: what becomes of L2 is known under EPT alone, not by policy ${policy.name}`;
  if (vmType === undefined) return undefined;
  if (!hasVmType(policy, vmType)) {
    const able = ALL_POLICIES.filter((other) => hasVmType(other, vmType)).map(({ name }) => name);
    return `kernels of policy ${policy.name} (${policy.kernels}) run no ${TITLES[vmType]} guests; policies that do: ${able.join(', ')}`;
  }
  if (l2) return `--l2 and --vm-type: a ${TITLES[vmType]} guest has no guests of its own`;
  if (vmType === 'tdx' && cd) return `--cd: ${TD_CD}`;
  if (vmType === 'tdx' && !selfSnoop) return '--no-self-snoop: every CPU with TDX snoops its own caches';
  return undefined;
}

/**
 * Refuse a VM of a type that it cannot have.
 *
 * @throws UsageError with the reason
 */
export function mustBePossible(policy: Policy, situation: Situation): void {
  const reason = wrongType(policy, situation);
  if (reason !== undefined) throw new UsageError(reason);
}
