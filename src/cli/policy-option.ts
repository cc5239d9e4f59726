import { Option } from 'commander';
import { policyNamed } from '../runner/policy-choice.js';

/** `--policy`, checked before anything runs: `auto`, or a policy that the model knows. */
export const policyOption = (what: string): Option =>
  new Option('--policy <name>', `hold ${what} against this policy; auto finds it by probing`)
    .argParser((name: string) => {
      if (name !== 'auto') policyNamed(name);
      return name;
    })
    .default('auto');
