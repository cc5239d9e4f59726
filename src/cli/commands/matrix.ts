import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { ALL_PROBES } from '../../check/policy-choice.js';
import { cellOf } from '../../matrix/cell.js';
import { answeringPolicy, expectedPolicy, KERNELS, type MatrixKernel, PROPOSALS } from '../../matrix/data.js';
import { matrixStatus } from '../../matrix/status.js';
import { type Column, renderMatrix } from '../../matrix/table.js';
import type { Report } from '../../report/report.js';
import { isBad } from '../../report/summary.js';
import { textWidth } from '../../text/wrap.js';
import { addHelp, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { addParameters, addSnapshot } from '../options/target.js';
import { addRepeatable, outputFile, seconds } from '../options/values.js';
import { build } from '../program/build.js';
import { reportedRun, runKernel } from '../program/reported-run.js';
import { DEFAULT_TIMEOUT, rerunCommand } from '../program/rerun.js';
import { interrupted } from '../terminal/interrupt.js';

interface MatrixOptions {
  journal?: string;
  only: string[];
  param: string[];
  timeout: number;
  snapshot: boolean;
}

const PATCHES = fileURLToPath(new URL('../../../kernels/patches/', import.meta.url));

async function imageOf(kernel: MatrixKernel): Promise<string> {
  const patches = kernel.patches.map((file) => join(PATCHES, file));
  const built = await build({ source: kernel.source, patches }, `building ${kernel.name}`);
  return built.bzImage;
}

async function columnOf(kernel: MatrixKernel, options: MatrixOptions, report: Report): Promise<Column> {
  const image = await imageOf(kernel);
  const params = [...(kernel.params ?? []), ...options.param];
  const request = {
    name: kernel.name,
    target: { engine: 'bochs', kernel: image, params, snapshot: options.snapshot },
    scenarios: catalogue,
    catalogue,
    policy: 'auto',
    known: answeringPolicy(kernel, params),
    probes: ALL_PROBES,
    repeat: 1,
    timeoutMs: options.timeout * 1000,
    rerun: rerunCommand({ engine: 'auto', policy: 'auto', ...options, param: params }, image),
    signal: interrupted,
  } as const;
  const set = await runKernel(request, report);
  const bad = set.scenarios
    .filter(({ status }) => isBad(status))
    .map(({ family, name }) => `${family}/${name}`);
  return {
    kernel,
    release: set.release,
    policy: set.policy.name,
    expectedPolicy: expectedPolicy(kernel, params),
    cells: PROPOSALS.map((proposal) => cellOf(proposal, set, catalogue)),
    failed: set.crashed === undefined ? bad : [...bad, `${set.crashed.kind}: ${set.crashed.reason}`],
  };
}

async function matrix(options: MatrixOptions, command: Command): Promise<void> {
  const { only, journal } = options;
  // The table is what goes to the screen.
  const plans = outputPlans(command).filter(({ file }) => file !== undefined);
  const kernels = KERNELS.filter(({ name }) => only.length === 0 || only.includes(name));
  const columns: Column[] = [];
  await reportedRun({ plans, journal, planned: kernels.length }, async (report) => {
    for (const kernel of kernels) columns.push(await columnOf(kernel, options, report));
  });
  process.stdout.write(renderMatrix(PROPOSALS, columns, textWidth(process.stdout)));
  process.exitCode = matrixStatus(columns);
}

function matrixKernel(name: string): string {
  if (KERNELS.some((kernel) => kernel.name === name)) return name;
  throw new InvalidArgumentError(`it is one of ${KERNELS.map((kernel) => kernel.name).join(', ')}.`);
}

/** `kvm-memtype matrix`. */
export function matrixCommand(): Command {
  const command = addHelp(new Command('matrix'), {
    what:
      'Show each change to KVM that is proposed or merged, on kernels before and after it: builds eighteen kernels, runs every ' +
      'scenario on each in the lab, and prints a table.',
    examples: [
      ['matrix --only 6.1 --only 6.1+P2', 'two of the kernels'],
      ['matrix --param kvm.tdp_mmu=N', 'all of them, with the older of the two MMUs of KVM'],
      ['matrix --format html --output matrix.html', 'all of them, and all that they did as a page'],
    ],
    statuses: [
      [0, 'something passed and nothing is wrong'],
      [1, 'a scenario failed, or probing found another policy than the kernel has'],
      USAGE_STATUS,
      [4, 'everything was skipped'],
    ],
  })
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT)
    .option('--journal <file>', 'keep a journal of results as they come, for `report`', outputFile);
  addRepeatable(command, '--only <kernel>', 'run only this kernel of the matrix', matrixKernel);
  addSnapshot(addParameters(command, 'the lab’s kernels'));
  return addOutputOptions(command).action((options: MatrixOptions) => matrix(options, command));
}
