import { Command, Option } from 'commander';
import { catalogue } from '../../../catalogue/index.js';
import { type Answer, answerOf, answerOfError, BISECT } from '../../../history/answer.js';
import { identifyImage } from '../../../lab/index.js';
import { labelOf } from '../../../report/label.js';
import type { ResultSet } from '../../../report/types.js';
import type { SessionRequest } from '../../../session/request.js';
import { selectScenarios } from '../../../session/select.js';
import { addHelp, type Help } from '../../options/help.js';
import { policyOption, tellAssumption } from '../../options/policy.js';
import { addParameters } from '../../options/target.js';
import { addRepeatable, existingFile, seconds, whole } from '../../options/values.js';
import { build } from '../../program/build.js';
import { reportedRun, runKernel } from '../../program/reported-run.js';
import { DEFAULT_TIMEOUT, rerunCommand } from '../../program/rerun.js';
import { readArguments } from '../../program/scenario-arguments.js';
import { interrupted } from '../../terminal/interrupt.js';
import { say } from '../../terminal/say.js';

interface BisectOptions {
  source: string;
  patch: string[];
  config: string[];
  jobs?: number;
  engine: 'bochs' | 'qemu-tcg';
  param: string[];
  policy: string;
  timeout: number;
}

const HELP: Help = {
  what:
    'Tell `git bisect run` whether a commit is good: build the kernel tree here, boot it in the lab, and run these scenarios. A commit that ' +
    'cannot be tested is neither good nor bad, and what is wrong with this machine ends the bisection.',
  examples: [
    ["bisect 'mtrr/*' --source linux", 'is what is checked out in linux good?'],
    ['bisect dma/probe --source linux --policy 6.1', 'the same, held against the rules of Linux 6.1'],
  ],
  statuses: [
    [BISECT.good, 'something passed, and nothing failed'],
    [BISECT.bad, 'a scenario failed, or the kernel died of it'],
    [BISECT.skip, 'it does not build or boot, or there is no verdict: git tries another commit'],
    [BISECT.stop, 'wrong usage, or something that is needed is missing here: git stops'],
  ],
};

async function resultsOf(args: readonly string[], options: BisectOptions): Promise<ResultSet> {
  const { all, patterns, argumentOf } = await readArguments(args, catalogue);
  const scenarios = selectScenarios(all, patterns);
  const { source, patch, config, jobs, engine, param, policy, timeout } = options;
  const { bzImage, modular } = await build({
    source,
    patches: patch,
    configs: config,
    ...(jobs !== undefined && { jobs }),
  });
  const identity = await identifyImage(bzImage);
  const rerun = rerunCommand(options, bzImage);
  const request: SessionRequest = {
    name: labelOf({ engine, kernel: bzImage, params: param, release: identity.release }),
    target: {
      engine,
      kernel: bzImage,
      params: param,
      snapshot: modular,
      identity: { image: bzImage, ...identity },
    },
    scenarios,
    catalogue,
    policy,
    repeat: 1,
    timeoutMs: timeout * 1000,
    rerun: (scenario) => rerun(argumentOf(scenario)),
    signal: interrupted,
  };
  const plans = [{ format: 'pretty', file: undefined }] as const;
  const run = await reportedRun({ plans, journal: undefined, planned: 1 }, async (report) => {
    await runKernel(request, report);
  });
  return run.sets[0] as ResultSet;
}

async function bisect(args: string[], options: BisectOptions): Promise<void> {
  tellAssumption(options.policy);
  const answer = await resultsOf(args, options).then(answerOf).catch(orThrow);
  say(`${WORDS[answer.status]}: ${answer.text}`);
  process.exitCode = answer.status;
}

const WORDS: Readonly<Record<Answer['status'], string>> = {
  [BISECT.good]: 'good',
  [BISECT.bad]: 'bad',
  [BISECT.skip]: 'this commit cannot be tested',
  [BISECT.stop]: 'nothing can be tested here',
};

function orThrow(error: unknown): Answer {
  const answer = interrupted.aborted ? undefined : answerOfError(error);
  if (answer === undefined) throw error;
  return answer;
}

/** `kvm-memtype bisect [scenario…]`. */
export function bisectCommand(): Command {
  const command = addHelp(new Command('bisect'), HELP)
    .argument('[scenario...]', 'scenarios to run, as `run` takes them; all if none is given')
    .option('--source <tree>', 'the kernel tree', '.')
    .option('--jobs <n>', 'compile this many files at a time', whole(1, 1024))
    .addOption(new Option('--engine <name>', 'where to run').choices(['bochs', 'qemu-tcg']).default('bochs'))
    .addOption(policyOption('each commit'))
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(command, '--patch <file>', 'apply a unified diff to each commit first (-p1)', existingFile);
  addRepeatable(command, '--config <file>', 'further options of the kernel, NAME=value', existingFile);
  addParameters(command, 'the kernel');
  return command.action(bisect);
}
