import { Option } from 'commander';
import { findPolicy, policyAssumption } from '../../memtype/index.js';
import { log } from '../terminal/log.js';

/** `--policy`, checked before anything runs: `auto`, or what findPolicy() knows. Undefined unless given. */
export const anyPolicyOption = (what: string): Option =>
  new Option(
    '--policy <name>',
    `hold ${what} against this policy, or that of a kernel version; auto finds it by probing`,
  ).argParser((name: string) => {
    if (name !== 'auto') findPolicy(name);
    return name;
  });

/** As anyPolicyOption(); `auto` unless given. */
export const policyOption = (what: string): Option => anyPolicyOption(what).default('auto');

/** Log what a policy that was named by a kernel version takes for granted. */
export function tellAssumption(name: string): void {
  const assumed = policyAssumption(name);
  if (assumed !== undefined) log().warn(assumed);
}
