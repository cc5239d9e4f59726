import { Command, InvalidArgumentError, Option } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { compare, isWorse } from '../../compare/compare.js';
import { COMPARE_FORMATS, type CompareFormat, renderComparisons } from '../../compare/render.js';
import type { Side } from '../../compare/side.js';
import { checkWritable, writeOutput } from '../../process/output-file.js';
import { selectScenarios } from '../../session/select.js';
import { textWidth } from '../../text/wrap.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addParameters, type TargetOptions } from '../options/target.js';
import { addRepeatable, kernel, outputFile, seconds } from '../options/values.js';
import { readOperands } from '../program/operands.js';
import { DEFAULT_TIMEOUT } from '../program/rerun.js';

interface CompareOptions {
  scenario: string[];
  format: CompareFormat;
  output?: string;
  all?: boolean;
  engine: TargetOptions['engine'];
  param: string[];
  timeout: number;
}

const HELP: Help = {
  what:
    'Say what differs between kernels: page-table entries, zaps, answers to MSR accesses and ioctls, scenarios that run or not. Each is a ' +
    'kernel, which is run in the lab, a recording of `run --record`, or a result of `run --format json`, which holds verdicts only. ' +
    'The first is held against each of the others. No policy is needed: what each kernel did is what counts.',
  examples: [
    ['compare debian:6.1 debian:6.12', 'what Linux 6.12 does otherwise than 6.1; both are run'],
    ['compare before.kmr after.kmr --format markdown', 'two recordings, for a mail or a pull request'],
  ],
  statuses: [
    [0, 'no kernel is worse than the first'],
    [1, 'a scenario fails that did not, or a kernel died'],
    USAGE_STATUS,
  ],
};

async function runCompare(operands: readonly string[], options: CompareOptions): Promise<void> {
  const { format, output, all = false, scenario, ...run } = options;
  if (output !== undefined) checkWritable(output);
  const scenarios = selectScenarios(catalogue, scenario);
  const names = new Set(scenarios.map(({ name }) => name));
  const [first, ...others] = (await readOperands(operands, { ...run, scenarios })).map((side) => ({
    ...side,
    scenarios:
      scenario.length === 0
        ? side.scenarios
        : new Map([...side.scenarios].filter(([name]) => names.has(name))),
  })) as [Side, ...Side[]];
  const comparisons = others.map((other) => compare(first, other));
  const text = renderComparisons(comparisons, format, { all, width: textWidth(process.stdout) });
  if (output === undefined) process.stdout.write(text);
  else writeOutput(output, text);
  process.exitCode = comparisons.some(isWorse) ? 1 : 0;
}

/** What `compare` takes: what `--kernel` does, and files. */
function operand(text: string, before: readonly string[] | undefined): string[] {
  try {
    return [...(before ?? []), kernel(text)];
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError(`${error.message} (A kernel, a recording or a result is needed.)`);
  }
}

/** `kvm-memtype compare <a> <b> [c…]`. */
export function compareCommand(): Command {
  const command = addHelp(new Command('compare'), HELP)
    .argument('<kernel...>', 'bzImage, debian:<version>, recording or JSON result; two or more', operand)
    .addOption(new Option('--format <name>', 'how it is told').choices(COMPARE_FORMATS).default('pretty'))
    .option('--output <file>', 'write it into a file', outputFile)
    .option('--all', 'tell of every change, however many there are')
    .addOption(
      new Option('--engine <name>', 'where kernels are run')
        .choices(['auto', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(command, '--scenario <pattern>', 'compare these scenarios only', (text: string) => text);
  addParameters(command, 'kernels that are run');
  return command.action((operands: string[], options: CompareOptions) => runCompare(operands, options));
}
