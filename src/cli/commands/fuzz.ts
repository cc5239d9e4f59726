import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { catalogue } from '../../catalogue/index.js';
import { type Find, type FuzzResult, fuzz } from '../../fuzz/campaign.js';
import { SUBJECTS, type Subject } from '../../fuzz/generate.js';
import { writeNewFiles } from '../../process/new-files.js';
import { counted, detailLines } from '../../report/formats/text.js';
import { printScenario } from '../../scenario/file/print.js';
import { safeLine, safeText } from '../../text/safe.js';
import { hang, textWidth } from '../../text/wrap.js';
import { UsageError } from '../errors.js';
import { addHelp, USAGE_STATUS } from '../options/help.js';
import { policyOption, tellAssumption } from '../options/policy.js';
import { addKernels, addSnapshot, checkTarget, type TargetOptions, targetOf } from '../options/target.js';
import { outputFolder, pciAddress, seconds, whole } from '../options/values.js';
import { DEFAULT_TIMEOUT, rerunCommand } from '../program/rerun.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { withProgress } from '../terminal/progress.js';

interface FuzzOptions extends TargetOptions {
  policy: string;
  seed?: number;
  time?: number;
  machineTime?: number;
  count: number;
  finds?: number;
  shrink: boolean;
  timeout: number;
  param: string[];
  output: string;
}

const MOST_SEED = 2 ** 31 - 1;
const MOST_COUNT = 1_000_000;
const DEFAULT_TIME = 60;

const isSubject = (word: string): word is Subject => (SUBJECTS as readonly string[]).includes(word);

/** @throws UsageError if a word is no subject */
function subjectsOf(words: readonly string[]): readonly Subject[] {
  const wrong = words.find((word) => !isSubject(word));
  if (wrong !== undefined)
    throw new UsageError(`no random steps are about ${safeLine(wrong)}: there are ${SUBJECTS.join(', ')}`);
  return words.length === 0 ? SUBJECTS : words.filter(isSubject);
}

/** A name in the folder that is not taken. */
function freeFile(folder: string, name: string): string {
  for (let i = 1; ; i++) {
    const path = join(folder, i === 1 ? `${name}.json` : `${name}-${i}.json`);
    if (!existsSync(path)) return path;
  }
}

/** Keep the scenario of a find, and tell of it. */
function tell(
  { scenario, found, result, times, kind }: Find,
  o: { folder: string; again: (file: string) => string },
): void {
  const file = freeFile(o.folder, scenario.name.replace('/', '-'));
  writeNewFiles([[file, printScenario(scenario)]]);
  const head = `${kind}: ${counted(times, 'scenarios')}; the simplest, ${counted(scenario.steps.length, 'steps')} of ${found.steps.length}, is in ${file}`;
  const again = o.again(file);
  const failures = result.failures.map((failure) => ({ ...failure, rerun: again }));
  const width = textWidth(process.stdout);
  const lines = [head, ...detailLines({ ...result, failures }).map((line) => hang('    ', line, width))];
  process.stdout.write(`${lines.map(safeText).join('\n')}\n`);
}

function statusOf({ finds, passed }: FuzzResult): number {
  if (finds.length > 0) return 1;
  return passed > 0 ? 0 : 4;
}

async function run(words: string[], options: FuzzOptions): Promise<void> {
  const subjects = subjectsOf(words);
  if (options.kernel.length > 1) throw new UsageError('one --kernel at a time');
  tellAssumption(options.policy);
  checkTarget(options);
  const [given] = options.kernel;
  const seed = options.seed ?? randomInt(MOST_SEED);
  const target = await targetOf(options, given);
  const name = given ?? 'this host';
  const started = Date.now();
  const result = await withProgress(`random scenarios of seed ${seed} on ${name}`, (progress) =>
    fuzz(
      {
        session: {
          name,
          target,
          catalogue,
          policy: options.policy,
          timeoutMs: options.timeout * 1000,
          signal: interrupted,
        },
        seed,
        subjects,
        count: options.count,
        timeMs:
          (options.time ?? (options.machineTime === undefined ? DEFAULT_TIME : Number.POSITIVE_INFINITY)) *
          1000,
        ...(options.machineTime === undefined ? {} : { machineMs: options.machineTime * 1000 }),
        ...(options.finds === undefined ? {} : { mostFinds: options.finds }),
        unshrunk: !options.shrink,
      },
      {
        header: () => undefined,
        scenario: () => undefined,
        progress: (text, count) => progress.update(text, count),
        console: (line) => log().debug({ kernel: name }, line),
        warning: (text) => log().warn({ kernel: name }, text),
        found: (scenario, kind) =>
          log().info(
            `${scenario.name} failed (${kind})${options.shrink ? ': looking for a simpler one' : ''}`,
          ),
      },
    ),
  );
  const again = rerunCommand(options, given);
  for (const find of result.finds) tell(find, { folder: options.output, again });
  for (const death of result.deaths) process.stdout.write(`${safeText(death)}\n`);
  const counts = `${counted(result.tried, 'scenarios')}, ${result.passed} passed, ${result.skipped} skipped, ${result.tried - result.passed - result.skipped} failed`;
  const skip =
    result.passed === 0 && result.skip ? `; skipped: ${result.skip.reason} (${result.skip.lift})` : '';
  process.stdout.write(
    `${safeText(`${counts}; seed ${seed}, policy ${result.policy?.name ?? 'unknown'}, ${Math.round((Date.now() - started) / 1000)} s, ${Math.round(result.machineMs / 1000)} s of the machine’s${skip}`)}\n`,
  );
  process.exitCode = statusOf(result);
}

/** `kvm-memtype fuzz`. */
export function fuzzCommand(): Command {
  const command = addHelp(new Command('fuzz'), {
    what:
      'Make up scenarios of random steps, run them, and hold what KVM did against the model. What fails is cut down to the few ' +
      'steps that matter, and kept as a scenario file. The same seed makes the same scenarios.',
    examples: [
      ['fuzz --kernel debian:6.1 --seed 1', 'a minute of random scenarios'],
      [
        'fuzz mtrr dma --kernel debian:6.1 --seed 1 --count 100',
        'a hundred of MTRR writes and devices alone',
      ],
    ],
    statuses: [
      [0, 'scenarios passed, and none failed'],
      [1, 'some failed'],
      USAGE_STATUS,
      [4, 'everything was skipped'],
    ],
  })
    .argument('[subject...]', `what the steps are about: ${SUBJECTS.join(', ')}; all if none is given`)
    .addOption(
      new Option('--engine <name>', 'where to run')
        .choices(['auto', 'host', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .addOption(policyOption('the kernel'))
    .option(
      '--seed <n>',
      'makes the scenarios what they are; a random one, which is told, if not given',
      whole(0, MOST_SEED),
    )
    .option(
      '--time <seconds>',
      `begin nothing new after this long; ${DEFAULT_TIME} if neither this nor --machine-time is given`,
      seconds,
    )
    .option(
      '--machine-time <seconds>',
      'begin nothing new once the scenarios took this long by the clock of the machine where they run, in the lab an emulated one',
      seconds,
    )
    .option('--count <n>', 'try so many scenarios at most', whole(1, MOST_COUNT), MOST_COUNT)
    .option(
      '--finds <n>',
      'try no more after finds of so many sorts; five, if not given',
      whole(1, MOST_COUNT),
    )
    .option('--no-shrink', 'keep what fails as it was found')
    .option('--output <folder>', 'where scenario files of what fails go', outputFolder, '.')
    .option('--timeout <seconds>', 'give up on a machine after this long', seconds, DEFAULT_TIMEOUT)
    .option('--vfio <address>', 'PCI device on this host that may be taken for non-coherent DMA', pciAddress);
  addSnapshot(addKernels(command));
  return command.action(run);
}
