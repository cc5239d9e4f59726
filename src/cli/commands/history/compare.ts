import { Command, InvalidArgumentError, Option } from 'commander';
import { catalogue } from '../../../catalogue/index.js';
import { type Comparison, compare, isWorse } from '../../../compare/compare.js';
import { type Cost, FEWEST_RUNS } from '../../../compare/costs.js';
import { COMPARE_FORMATS, type CompareFormat, renderComparisons } from '../../../compare/render.js';
import type { Side } from '../../../compare/side.js';
import { checkWritable, writeOutput } from '../../../process/output-file.js';
import type { Scenario } from '../../../scenario/types.js';
import { selectScenarios } from '../../../session/select.js';
import { textWidth } from '../../../text/wrap.js';
import { UsageError } from '../../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../../options/help.js';
import { addParameters, type TargetOptions } from '../../options/target.js';
import { addRepeatable, kernel, outputFile, seconds, whole } from '../../options/values.js';
import { readOperands } from '../../program/operands.js';
import { DEFAULT_TIMEOUT } from '../../program/rerun.js';

interface CompareOptions {
  scenario: string[];
  format: CompareFormat;
  output?: string;
  all?: boolean;
  engine: TargetOptions['engine'];
  param: string[];
  timeout: number;
  repeat?: number;
  /** Percent. */
  threshold?: number;
}

/** As often kernels are run for a threshold. */
const USUAL_RUNS = 6;
/** More are kept in memory for nothing. */
const MOST_RUNS = 100;
const TOO_FEW = `--threshold needs ${FEWEST_RUNS} runs of each kernel, to tell a difference from chance`;

const HELP: Help = {
  what:
    'Say what differs between kernels: page-table entries, zaps, answers to MSR accesses and ioctls, scenarios that run or not. Each is a ' +
    'kernel, which is run in the lab, a recording of `run --record`, or a result of `run --format json`, which holds verdicts only. ' +
    'The first is held against each of the others. No policy is needed: what each kernel did is what counts.',
  examples: [
    ['compare debian:6.1 debian:6.12', 'what Linux 6.12 does otherwise than 6.1; both are run'],
    ['compare before.kmr after.kmr --format markdown', 'two recordings, for a mail or a pull request'],
    [
      "compare debian:7.2 bzImage --scenario 'mtrr/*' --repeat 8 --threshold 5",
      'fail if a patched kernel takes over 5 % more time, faults or zaps',
    ],
  ],
  statuses: [
    [0, 'no kernel is worse than the first'],
    [1, 'a scenario fails that did not, a kernel died, or it takes more than --threshold'],
    USAGE_STATUS,
  ],
};

/** Of a recording or result with others too, these scenarios. */
function only(side: Side, wanted: readonly Scenario[]): Side {
  const names = new Set(wanted.map(({ name }) => name));
  return { ...side, scenarios: new Map([...side.scenarios].filter(([name]) => names.has(name))) };
}

async function runCompare(operands: readonly string[], options: CompareOptions): Promise<void> {
  const { format, output, all = false, scenario, threshold, ...given } = options;
  const { repeat = threshold === undefined ? 1 : USUAL_RUNS } = given;
  const run = { ...given, repeat };
  if (threshold !== undefined && repeat < FEWEST_RUNS)
    throw new UsageError(`${TOO_FEW}: give no smaller --repeat`);
  if (output !== undefined) checkWritable(output);
  const scenarios = selectScenarios(catalogue, scenario);
  const sides = await readOperands(operands, { ...run, scenarios });
  const [first, ...others] = (scenario.length === 0 ? sides : sides.map((side) => only(side, scenarios))) as [
    Side,
    ...Side[],
  ];
  const most = threshold === undefined ? undefined : 1 + threshold / 100;
  const comparisons = others.map((other) => compare(first, other, most));
  if (threshold !== undefined) for (const comparison of comparisons) checkThreshold(comparison);
  const text = renderComparisons(comparisons, format, { all, width: textWidth(process.stdout) });
  if (output === undefined) process.stdout.write(text);
  else writeOutput(output, text);
  process.exitCode = comparisons.some(isWorse) ? 1 : 0;
}

/**
 * What nothing was measured for, or too little, is not below any threshold.
 * @throws UsageError
 */
function checkThreshold({ costs }: Comparison): void {
  const isTold = ({ interval, ratio }: Cost): boolean => interval !== undefined || ratio === null;
  if (costs.length === 0 || !costs.every(isTold))
    throw new UsageError(`${TOO_FEW}: record them by run --repeat ${FEWEST_RUNS} or more`);
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
    .option(
      '--repeat <n>',
      `run each kernel n times, and compare what it takes; ${FEWEST_RUNS} or more tell it from chance`,
      whole(1, MOST_RUNS),
    )
    .option(
      '--threshold <percent>',
      `fail if a kernel takes so much more than the first, and not by chance; without --repeat each runs ${USUAL_RUNS} times`,
      whole(0, 1000),
    )
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(command, '--scenario <pattern>', 'compare these scenarios only', (text: string) => text);
  addParameters(command, 'kernels that are run');
  return command.action((operands: string[], options: CompareOptions) => runCompare(operands, options));
}
