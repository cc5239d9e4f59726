import type { Policy } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { programOf } from './c/program.js';
import { type Kernel, planOf } from './plan.js';

/**
 * A scenario as one file of C, which takes the same steps and holds what KVM did against a policy.
 * @param kernel what is known of the kernel that it is for
 */
export const reproducerOf = (scenario: Scenario, policy: Policy, kernel?: Kernel): string =>
  programOf(planOf(scenario, policy, kernel));
