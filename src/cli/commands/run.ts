import { Command, Option } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { identifyImage } from '../../lab/index.js';
import { counted } from '../../report/formats/text.js';
import { createReport, exitStatus, wantsColor } from '../../report/index.js';
import { labelOf, uniqueLabel } from '../../report/label.js';
import type { Report } from '../../report/report.js';
import type { Incomplete } from '../../report/types.js';
import type { EngineName } from '../../session/engines.js';
import { selectScenarios } from '../../session/select.js';
import { runSession, type SessionRequest } from '../../session/session.js';
import { hang, textWidth } from '../../text/wrap.js';
import { sentenceOf, UsageError } from '../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { journalFor } from '../options/journal.js';
import { imageOf } from '../options/kernel-image.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { policyOption, tellAssumption } from '../options/policy.js';
import {
  addRepeatable,
  checkPlace,
  kernel,
  label,
  MOST_REPEATS,
  memslotFlag,
  moduleParameter,
  outputFile,
  pciAddress,
  seconds,
  shard,
  uint32,
  whole,
} from '../options/values.js';
import { hostInfo, toolInfo } from '../program/provenance.js';
import { DEFAULT_TIMEOUT, rerunCommand } from '../program/rerun.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { clearProgressLine, startProgress } from '../terminal/progress.js';

interface RunOptions {
  journal?: string;
  kernel: string[];
  name: string[];
  engine: 'auto' | EngineName;
  policy: string;
  list?: boolean;
  shard?: readonly [index: number, count: number];
  repeat: number;
  strict?: boolean;
  timeout: number;
  param: string[];
  vfio?: string;
  virtioType?: number;
  memslotFlag?: number;
}

/** Where to run on this kernel. */
function engineOf(options: RunOptions, kernel: string | undefined): EngineName {
  if (kernel === undefined) {
    if (options.engine === 'auto' || options.engine === 'host') return 'host';
    throw new UsageError(`--engine ${options.engine} needs a --kernel to boot`);
  }
  if (options.engine === 'host')
    throw new UsageError('--engine host runs this machine’s own kernel: leave --kernel out');
  return options.engine === 'auto' ? 'bochs' : options.engine;
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
  patterns: string[],
  labels: Set<string>,
): Promise<SessionRequest> {
  const engine = engineOf(options, kernel);
  const image = kernel === undefined ? undefined : await imageOf(kernel);
  const identity = image === undefined ? undefined : await identifyImage(image);
  const label = labelOf({ name, kernel, release: identity?.release, engine, params: options.param });
  return {
    name: uniqueLabel(label, labels),
    ...(kernel === undefined || identity === undefined ? {} : { identity: { image: kernel, ...identity } }),
    engine,
    kernel: image,
    scenarios: selectScenarios(catalogue, patterns, options.shard),
    catalogue,
    policy: options.policy,
    repeat: options.repeat,
    strict: options.strict ?? false,
    device: engine === 'host' ? (options.vfio ?? null) : 'lab',
    ...(options.virtioType === undefined ? {} : { virtioType: options.virtioType }),
    ...(options.memslotFlag === undefined ? {} : { memslotFlag: options.memslotFlag }),
    params: options.param,
    timeoutMs: options.timeout * 1000,
    rerun: rerunCommand(options, kernel),
    signal: interrupted,
  };
}

function list(patterns: string[], options: RunOptions): void {
  const scenarios = selectScenarios(catalogue, patterns, options.shard);
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  // Where a program reads it, a scenario is a line.
  const room = process.stdout.isTTY ? textWidth(process.stdout) : Number.POSITIVE_INFINITY;
  const lines = scenarios.map(({ name, title }) => hang(`${name.padEnd(width)}  `, title, room));
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Results that are kept until the end, with the recordings they stand on: some kilobytes each. */
const MOST_RESULTS = 20_000;

function checkAmount(patterns: string[], { shard, repeat, kernel }: RunOptions): void {
  const results = selectScenarios(catalogue, patterns, shard).length * repeat * Math.max(1, kernel.length);
  if (results > MOST_RESULTS)
    throw new UsageError(
      `--repeat ${repeat} makes ${results} results, and ${MOST_RESULTS} at most can be kept`,
    );
}

async function run(patterns: string[], options: RunOptions, command: Command): Promise<void> {
  if (options.list) return list(patterns, options);
  tellAssumption(options.policy);
  checkPlace(options.kernel.length > 0, options);
  checkAmount(patterns, options);
  const kernels = givenKernels(options);
  const startedAt = new Date();
  const plans = outputPlans(command);
  const journal = journalFor(plans, options.journal);
  const look = {
    write: (text: string) => {
      clearProgressLine();
      process.stdout.write(text);
    },
    color: wantsColor(process.stdout),
    width: textWidth(process.stdout),
  };
  const begin = {
    tool: toolInfo(),
    host: hostInfo(),
    startedAt: startedAt.toISOString(),
    planned: kernels.length,
  };
  const report = createReport(plans, look, begin, journal);
  const durationMs = (): number => Date.now() - startedAt.getTime();
  try {
    const labels = new Set<string>();
    for (const given of kernels) await runKernel(await requestFor(options, given, patterns, labels), report);
  } catch (error) {
    // What was found out by now is worth as much as before: write it, and that it is not all.
    if (interrupted.aborted || !report.isEmpty)
      report.finish({ durationMs: durationMs(), incomplete: incompleteOf(error) });
    else report.abandon();
    throw error;
  }
  process.exitCode = exitStatus(report.finish({ durationMs: durationMs() }));
}

const incompleteOf = (error: unknown): Incomplete =>
  interrupted.aborted
    ? { reason: 'interrupted', text: sentenceOf(interrupted.reason) }
    : { reason: 'failed', text: sentenceOf(error) };

async function runKernel(request: SessionRequest, report: Report): Promise<void> {
  using progress = startProgress(`running ${request.name} in ${request.engine}`);
  const set = await runSession(request, {
    header: (header) => report.header(header),
    started: (scenario) => report.started(scenario),
    scenario: (result) => report.scenario(result),
    progress: (text, count) => progress.update(text, count),
    console: (line) => log().debug({ kernel: request.name }, line),
    warning: (text) => log().warn({ kernel: request.name }, text),
  });
  report.footer(set);
}

const HELP: Help = {
  what:
    "Run scenarios on this machine's KVM, or on kernels in the lab (an emulated machine with VT-x), and hold what KVM did " +
    'against the model.',
  examples: [
    ["run msr 'pat/*'", "two families of scenarios, on this machine's KVM"],
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
    .argument('[pattern...]', 'scenarios to run: names, with * for any part; all if none is given')
    .addOption(
      new Option('--engine <name>', 'where to run')
        .choices(['auto', 'host', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .addOption(policyOption('the kernel'))
    .option('--strict', 'fail if the kernel behaves otherwise than its version is known to')
    .option('--list', 'print the scenarios, run nothing')
    .option('--shard <i/n>', 'run the i-th of n parts', shard)
    .option('--repeat <n>', `run everything n times, ${MOST_REPEATS} at most`, whole(1, MOST_REPEATS), 1)
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT)
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress)
    .option('--journal <file>', 'keep a journal of results as they come, for `report`', outputFile)
    .option('--virtio-type <number>', 'look for KVM_DEV_TYPE_VIRTIO at this device type only', uint32)
    .option('--memslot-flag <bit>', 'take this bit for KVM_MEM_NON_COHERENT_DMA', memslotFlag);
  addRepeatable(
    command,
    '--kernel <image>',
    'run on this bzImage, or on debian:<version>, in the lab',
    kernel,
  );
  addRepeatable(
    command,
    '--param <module.name=value>',
    'module parameter for the lab’s kernel',
    moduleParameter,
  );
  addRepeatable(command, '--name <text>', 'what to call the kernel in results; one for each --kernel', label);
  return addOutputOptions(command).action((patterns: string[], options: RunOptions) =>
    run(patterns, options, command),
  );
}
