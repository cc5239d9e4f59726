import { join } from 'node:path';
import { Command, Option } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { quickSet } from '../../coverage/index.js';
import { writeNewFiles } from '../../process/new-files.js';
import { counted } from '../../report/formats/text.js';
import { exitStatus } from '../../report/index.js';
import { labelOf, uniqueLabel } from '../../report/label.js';
import type { ScenarioSource } from '../../scenario/file/lines.js';
import { printScenario } from '../../scenario/file/print.js';
import type { Scenario } from '../../scenario/types.js';
import type { RunRecorder } from '../../session/recorded/writer.js';
import type { SessionRequest } from '../../session/request.js';
import { selectScenarios } from '../../session/select.js';
import { safeLine } from '../../text/safe.js';
import { describedTable } from '../../text/table.js';
import { textWidth } from '../../text/wrap.js';
import { UsageError } from '../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { policyOption, tellAssumption } from '../options/policy.js';
import { checkRecord } from '../options/record.js';
import {
  addKernels,
  addSnapshot,
  addWitness,
  checkTarget,
  type TargetOptions,
  targetOf,
} from '../options/target.js';
import {
  addRepeatable,
  existingFile,
  label,
  MOST_REPEATS,
  memslotFlag,
  outputFile,
  outputFolder,
  pciAddress,
  seconds,
  shard,
  uint32,
  watched,
  whole,
} from '../options/values.js';
import { KernelCoverage } from '../program/kernel-coverage.js';
import { reportedRun, runKernel } from '../program/reported-run.js';
import { againOf, DEFAULT_TIMEOUT, rerunCommand } from '../program/rerun.js';
import { readArguments } from '../program/scenario-arguments.js';
import { watchFiles } from '../program/watched-run.js';
import { interrupted } from '../terminal/interrupt.js';

interface RunOptions extends TargetOptions {
  watch: string[];
  journal?: string;
  record?: string;
  name: string[];
  policy: string;
  list?: boolean;
  export?: string;
  shard?: readonly [index: number, count: number];
  repeat: number;
  strict?: boolean;
  coverage?: boolean;
  kernelCoverageFolder?: string;
  quick?: boolean;
  timeout: number;
  param: string[];
  virtioType?: number;
  memslotFlag?: number;
}

/** What to run. */
interface Chosen {
  scenarios: readonly Scenario[];
  /** The argument that names a scenario again. */
  argumentOf: (name: string) => string;
  /** Where those that were read from files stand, by name. */
  sources: Readonly<Record<string, ScenarioSource>>;
}

/** What all kernels of a run share. */
interface Shared {
  chosen: Chosen;
  /** Names that kernels have by now. */
  labels: Set<string>;
  recorder: RunRecorder | undefined;
}

/** A kernel of the run: what it is given as (this host: undefined), and `--name`. */
interface Given {
  kernel: string | undefined;
  name: string | undefined;
}

/** @throws UsageError if names and kernels do not go together */
function givenKernels({ kernel, name }: RunOptions): Given[] {
  const kernels = kernel.length > 0 ? kernel : [undefined];
  if (name.length > 0 && name.length !== kernels.length)
    throw new UsageError(
      `--name is given ${name.length} times for ${counted(kernels.length, 'kernels')}: give one for each`,
    );
  const twice = name.find((text, i) => name.indexOf(text) !== i);
  if (twice !== undefined) throw new UsageError(`--name ${twice} is given twice`);
  return kernels.map((given, i) => ({ kernel: given, name: name[i] }));
}

async function requestFor(
  options: RunOptions,
  { kernel, name }: Given,
  { chosen, labels, recorder }: Shared,
): Promise<SessionRequest> {
  const { scenarios, argumentOf, sources } = chosen;
  const target = await targetOf(options, kernel);
  const rerun = rerunCommand(options, kernel);
  const label =
    target.engine === 'host'
      ? labelOf({ name, engine: target.engine })
      : labelOf({ name, ...target, kernel: kernel ?? target.kernel, release: target.identity?.release });
  const request = {
    name: uniqueLabel(label, labels),
    target,
    scenarios,
    catalogue,
    sources,
    policy: options.policy,
    repeat: options.repeat,
    strict: options.strict ?? false,
    coverage: options.coverage ?? false,
    counters: options.kernelCoverage ?? false,
    ...(options.virtioType === undefined ? {} : { virtioType: options.virtioType }),
    ...(options.memslotFlag === undefined ? {} : { memslotFlag: options.memslotFlag }),
    timeoutMs: options.timeout * 1000,
    rerun: (scenario: string) => rerun(argumentOf(scenario)),
    signal: interrupted,
  };
  if (recorder === undefined) return request;
  return { ...request, recorder: recorder.forKernel(request, againOf(options, kernel, sources)) };
}

function list({ scenarios }: Chosen): void {
  // Where a program reads it, a scenario is a line.
  const room = process.stdout.isTTY ? textWidth(process.stdout) : Number.POSITIVE_INFINITY;
  process.stdout.write(
    describedTable(
      scenarios.map(({ name, title }) => [name, title]),
      room,
    ),
  );
}

/** Write each scenario into a file of its own, `<folder>/<family>/<name>.json`. */
function exportInto(folder: string, { scenarios }: Chosen): void {
  writeNewFiles(
    scenarios.map((scenario) => [join(folder, `${scenario.name}.json`), printScenario(scenario)]),
  );
  process.stdout.write(`${counted(scenarios.length, 'scenarios')} written into ${safeLine(folder)}\n`);
}

/** Results that are kept until the end, with the recordings they stand on: some kilobytes each. */
const MOST_RESULTS = 20_000;

function checkAmount({ scenarios }: Chosen, { repeat, kernel }: RunOptions): void {
  const results = scenarios.length * repeat * Math.max(1, kernel.length);
  if (results > MOST_RESULTS)
    throw new UsageError(
      `--repeat ${repeat} makes ${results} results, and ${MOST_RESULTS} at most can be kept`,
    );
}

async function choose(args: readonly string[], { shard, quick }: RunOptions): Promise<Chosen> {
  if (quick && args.length > 0)
    throw new UsageError('--quick chooses the scenarios itself: name none beside it');
  if (quick)
    return {
      scenarios: selectScenarios(quickSet(catalogue), [], shard),
      argumentOf: (name) => name,
      sources: {},
    };
  const { all, patterns, ...rest } = await readArguments(args, catalogue);
  return { scenarios: selectScenarios(all, patterns, shard), ...rest };
}

async function run(args: string[], options: RunOptions, command: Command): Promise<void> {
  const isRun = !options.list && options.export === undefined;
  if (options.watch.length > 0 && !isRun)
    throw new UsageError('--watch runs scenarios: leave --list and --export out');
  if (options.list) return list(await choose(args, options));
  if (options.export !== undefined) return exportInto(options.export, await choose(args, options));
  if (options.watch.length === 0) return runOnce(args, options, command);
  const { journal, record } = options;
  const files = [...outputPlans(command).map(({ file }) => file), journal, record];
  const written = files.filter((file) => file !== undefined);
  await watchFiles(options.watch, written, () => runOnce(args, options, command));
}

async function runOnce(args: string[], options: RunOptions, command: Command): Promise<void> {
  tellAssumption(options.policy);
  checkTarget(options);
  const chosen = await choose(args, options);
  checkAmount(chosen, options);
  const kernels = givenKernels(options);
  const coverage = await KernelCoverage.of(options);
  const { journal, record } = options;
  const plans = outputPlans(command);
  checkRecord(record, journal, plans);
  const outputs = { plans, journal, record, planned: kernels.length };
  const result = await reportedRun(outputs, async (report, recorder) => {
    const labels = new Set<string>();
    for (const given of kernels) {
      const request = await requestFor(options, given, { chosen, labels, recorder });
      await runKernel(request, report, await coverage?.begin(request));
      await coverage?.end();
    }
  });
  coverage?.tell(plans);
  process.exitCode = exitStatus(result);
}

const HELP: Help = {
  what:
    "Run scenarios on this machine's KVM, or on kernels in the lab (an emulated machine with VT-x), and hold what KVM did " +
    'against the model.',
  examples: [
    ["run msr 'pat/*'", "two families of scenarios, on this machine's KVM"],
    [
      'run --kernel debian:6.1 --patch x.patch --watch x.patch mtrr',
      'a patch as it is written: built and run again whenever it is saved',
    ],
    [
      'run --kernel debian:6.1 --format junit --output results.xml',
      "all of them on Debian's 6.1 in the lab; results on the screen, and as JUnit in a file",
    ],
  ],
  statuses: [
    [0, 'something passed and nothing is wrong'],
    [1, 'a check failed, a scenario had no verdict, or a kernel died'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

/** `kvm-memtype run`. */
export function runCommand(): Command {
  const command = addHelp(new Command('run'), HELP)
    .argument(
      '[scenario...]',
      'scenarios to run: names, with * for any part, or files (*.json, or - for standard input); all if none is given',
    )
    .addOption(
      new Option('--engine <name>', 'where to run')
        .choices(['auto', 'host', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .addOption(policyOption('the kernel'))
    .option('--strict', 'fail if the kernel behaves otherwise than its version is known to')
    .option('--quick', 'run about half of the scenarios: those that matter most for their time')
    .option('--coverage', 'tell which pairs of the state space were exercised and observed')
    .option('--kernel-coverage', 'tell which of KVM’s own code ran, and with --patch which of the patch')
    .addOption(
      new Option('--kernel-coverage-folder <folder>', 'write that as LCOV and HTML too')
        .argParser(outputFolder)
        .implies({ kernelCoverage: true }),
    )
    .option('--list', 'print the scenarios, run nothing')
    .addOption(
      new Option('--export <folder>', 'write the scenarios as files, run nothing')
        .argParser(outputFolder)
        .conflicts('list'),
    )
    .option('--shard <i/n>', 'run the i-th of n parts', shard)
    .option('--repeat <n>', `run everything n times, ${MOST_REPEATS} at most`, whole(1, MOST_REPEATS), 1)
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT)
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress)
    .option('--record <file>', 'keep what is observed, for `judge` and `compare`', outputFile)
    .option('--journal <file>', 'keep a journal of results as they come, for `report`', outputFile)
    .option('--virtio-type <number>', 'look for KVM_DEV_TYPE_VIRTIO at this device type only', uint32)
    .option('--memslot-flag <bit>', 'take this bit for KVM_MEM_NON_COHERENT_DMA', memslotFlag);
  addWitness(addSnapshot(addKernels(command)));
  addRepeatable(
    command,
    '--patch <file>',
    'apply a unified diff (-p1) to the kernel that is built',
    existingFile,
  );
  addRepeatable(
    command,
    '--watch <path>',
    'run again whenever this file, or a file of this folder, changes',
    watched,
  );
  addRepeatable(command, '--name <text>', 'what to call the kernel in results; one for each --kernel', label);
  return addOutputOptions(command).action((args: string[], options: RunOptions) =>
    run(args, options, command),
  );
}
