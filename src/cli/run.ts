import { Command, InvalidArgumentError, Option } from 'commander';
import { catalogue } from '../catalogue/index.js';
import { log } from '../log.js';
import { startProgress } from '../progress.js';
import { createReport, exitStatus, wantsColor } from '../report/index.js';
import type { RunResult } from '../report/types.js';
import type { EngineName } from '../runner/engines.js';
import { policyNamed } from '../runner/policy-choice.js';
import { selectScenarios } from '../runner/select.js';
import { runSession, type SessionRequest } from '../runner/session.js';
import { VERSION } from '../version.js';
import { UsageError } from './errors.js';
import { interrupted } from './interrupt.js';
import { imageOf } from './kernel-image.js';
import { addOutputOptions, outputPlans } from './output-options.js';

interface RunOptions {
  kernel: string[];
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

const append = (value: string, list: string[]): string[] => [...list, value];

function positive(value: string): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('a whole number of 1 or more is needed.');
  return n;
}

function shard(value: string): readonly [number, number] {
  const match = /^(\d+)\/(\d+)$/.exec(value);
  const [i, n] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || i < 1 || n < 1 || i > n)
    throw new InvalidArgumentError('i/n with 1 <= i <= n is needed.');
  return [i, n];
}

function pciAddress(value: string): string {
  if (!/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(value)) {
    throw new InvalidArgumentError('a PCI address such as 0000:00:02.0 is needed.');
  }
  return value;
}

/** A KVM_MEM_ flag by its bit: 0 and 1 have been taken for good. */
function memslotBit(value: string): number {
  const bit = Number(value);
  if (!Number.isInteger(bit) || bit < 2 || bit > 31)
    throw new InvalidArgumentError('a bit number from 2 to 31 is needed.');
  return 2 ** bit;
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

/** The command that runs one scenario again in the same way. */
function rerunCommand(options: RunOptions, kernel: string | undefined): (scenario: string) => string {
  const words = [
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(options.engine === 'auto' ? [] : ['--engine', options.engine]),
    ...(options.policy === 'auto' ? [] : ['--policy', options.policy]),
    ...(options.strict ? ['--strict'] : []),
    ...(options.vfio === undefined ? [] : ['--vfio', options.vfio]),
    ...(options.virtioType === undefined ? [] : ['--virtio-type', String(options.virtioType)]),
    ...(options.memslotFlag === undefined ? [] : ['--memslot-flag', String(Math.log2(options.memslotFlag))]),
    ...options.param.flatMap((param) => ['--param', param]),
  ];
  return (scenario) => ['kvm-memtype run', scenario, ...words].join(' ');
}

async function requestFor(
  options: RunOptions,
  kernel: string | undefined,
  patterns: string[],
): Promise<SessionRequest> {
  const engine = engineOf(options, kernel);
  return {
    name: kernel ?? 'this host',
    engine,
    kernel: kernel === undefined ? undefined : await imageOf(kernel),
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
  process.stdout.write(scenarios.map(({ name, title }) => `${name.padEnd(width)}  ${title}\n`).join(''));
}

async function run(patterns: string[], options: RunOptions, command: Command): Promise<void> {
  if (options.list) return list(patterns, options);
  if (options.policy !== 'auto') policyNamed(options.policy);
  const report = createReport(outputPlans(command), {
    write: (text) => process.stdout.write(text),
    color: wantsColor(process.stdout),
  });
  const kernels = options.kernel.length > 0 ? options.kernel : [undefined];
  const startedAt = new Date();
  const sets: RunResult['sets'] = [];
  for (const kernel of kernels) {
    const request = await requestFor(options, kernel, patterns);
    using progress = startProgress(
      kernel === undefined ? 'running on this host' : `running ${kernel} in ${request.engine}`,
    );
    const set = await runSession(request, {
      header: (header) => report.header(header),
      scenario: (result) => report.scenario(result),
      progress: (text) => progress.update(text),
      console: (line) => log().debug({ kernel: request.name }, line),
      warning: (text) => log().warn({ kernel: request.name }, text),
    });
    report.footer(set);
    sets.push(set);
  }
  const result: RunResult = {
    tool: { name: 'kvm-memtype', version: VERSION },
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    sets,
  };
  report.finish(result);
  process.exitCode = exitStatus(result);
}

/** `kvm-memtype run`. */
export function runCommand(): Command {
  const command = new Command('run')
    .argument('[pattern...]', 'scenarios to run: names, with * for any part; all if none is given')
    .option(
      '--kernel <image>',
      'run on this bzImage, or on debian:<version>, in the lab (repeatable)',
      append,
      [],
    )
    .addOption(
      new Option('--engine <name>', 'where to run')
        .choices(['auto', 'host', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .option('--policy <name>', 'hold the kernel against this policy; auto finds it by probing', 'auto')
    .option('--strict', 'fail if the kernel behaves otherwise than its version is known to')
    .option('--list', 'print the scenarios, run nothing')
    .option('--shard <i/n>', 'run the i-th of n parts', shard)
    .option('--repeat <n>', 'run everything n times', positive, 1)
    .option('--timeout <seconds>', 'give up on a kernel after this long', positive, 300)
    .option('--param <module.name=value>', 'module parameter for the lab’s kernel (repeatable)', append, [])
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress)
    .option('--virtio-type <number>', 'look for KVM_DEV_TYPE_VIRTIO at this device type only', positive)
    .option('--memslot-flag <bit>', 'take this bit for KVM_MEM_NON_COHERENT_DMA', memslotBit);
  return addOutputOptions(command).action((patterns: string[], options: RunOptions) =>
    run(patterns, options, command),
  );
}
