import { type Policy, VmModel } from '../memtype/index.js';
import { hasLegacyMmu } from '../recording/mmu.js';
import type { Environment } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';

/** The model of a kernel of this policy on this machine, before the guest starts. */
export function modelOf({ vcpus, maxphyaddr }: Scenario, policy: Policy, env: Environment): VmModel {
  const { quirks: quirksSupported, selfSnoop = true, params } = env;
  return new VmModel(policy, {
    vcpus,
    maxphyaddr,
    quirksSupported,
    selfSnoop,
    nxHugePages: params['kvm.nx_huge_pages'] === 'Y',
    // A module that does not run guests here has parameters too.
    pml: env.vendor === 'intel' && params['kvm_intel.pml'] === 'Y',
    eagerPageSplit: params['kvm.eager_page_split'] !== 'N',
    legacyMmu: hasLegacyMmu(env),
  });
}
