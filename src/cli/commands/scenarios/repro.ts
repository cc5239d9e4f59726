import { Command } from 'commander';
import { catalogue } from '../../../catalogue/index.js';
import { findPolicy, NEWEST_POLICY, policyForVersion } from '../../../memtype/index.js';
import { writeNewFiles } from '../../../process/new-files.js';
import { reproducerOf } from '../../../repro/index.js';
import type { Scenario } from '../../../scenario/types.js';
import { safeLine } from '../../../text/safe.js';
import { UsageError } from '../../errors.js';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { anyPolicyOption, tellAssumption } from '../../options/policy.js';
import { addParameters } from '../../options/target.js';
import { outputFile } from '../../options/values.js';
import { readArguments } from '../../program/scenario-arguments.js';

interface ReproOptions {
  policy?: string;
  output?: string;
  param: readonly string[];
}

/** The one scenario that an argument names. */
async function scenarioOf(argument: string): Promise<Scenario> {
  const { all, patterns } = await readArguments([argument], catalogue);
  const scenario = all.find(({ name }) => name === patterns[0]);
  if (scenario !== undefined) return scenario;
  throw new UsageError(`there is no scenario ${safeLine(argument)}: \`run --list\` names them`);
}

async function repro(argument: string, { policy: name, output, param: params }: ReproOptions): Promise<void> {
  if (name === 'auto')
    throw new UsageError(
      'a reproducer is written without a kernel to probe: --policy needs a name or a version',
    );
  const scenario = await scenarioOf(argument);
  const chosen = name ?? NEWEST_POLICY.name;
  tellAssumption(chosen);
  const policy = findPolicy(chosen);
  const release = name !== undefined && policyForVersion(name) !== undefined ? name : undefined;
  const text = reproducerOf(scenario, policy, { release, params });
  if (output === undefined) process.stdout.write(text);
  else writeNewFiles([[output, text]]);
}

/** `kvm-memtype repro`. */
export function reproCommand(): Command {
  const command = addHelp(new Command('repro'), {
    what:
      'Write a scenario as one file of C that needs nothing but libc and linux/kvm.h: to post with a bug report, and to run where ' +
      'this program is not. It takes the same steps and says whether KVM did what the policy says.',
    examples: [
      [
        'repro dma/s1-attach-detach --policy 7.2 --output repro.c',
        'a scenario of the catalogue, for Linux 7.2',
      ],
      ['repro mine.json --policy 6.1', 'a scenario file, to standard output'],
    ],
    statuses: [[0, 'the file is written'], USAGE_STATUS],
  })
    .argument('<scenario>', 'name of a scenario, a scenario file (.json), or - for standard input')
    .addOption(anyPolicyOption('the kernel').default(undefined, 'the newest'))
    .option('--output <file>', 'write it to this file, which must be new', outputFile);
  return addParameters(command, 'the kernel that it is to run on').action(repro);
}
