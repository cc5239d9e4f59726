import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { catalogue } from '../../../catalogue/index.js';
import { compare } from '../../../compare/compare.js';
import { type Side, sideOfRecorded } from '../../../compare/side.js';
import { answerOfError } from '../../../history/answer.js';
import { type SeriesPatch, withSeries } from '../../../history/mails.js';
import { isBadRow, type Outcome, type SeriesRow } from '../../../history/series.js';
import { renderSeries } from '../../../history/series-text.js';
import { checkWritable, writeOutput } from '../../../process/output-file.js';
import { deathText } from '../../../report/formats/crash.js';
import { selectScenarios } from '../../../session/select.js';
import { textWidth } from '../../../text/wrap.js';
import { sentenceOf, UsageError } from '../../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../../options/help.js';
import { addParameters } from '../../options/target.js';
import { addRepeatable, existingFile, outputFile, seconds, whole } from '../../options/values.js';
import { build } from '../../program/build.js';
import { runOperand } from '../../program/operands.js';
import { DEFAULT_TIMEOUT } from '../../program/rerun.js';
import { VERSION } from '../../program/version.js';
import { interrupted } from '../../terminal/interrupt.js';

interface SeriesOptions {
  scenario: string[];
  config: string[];
  jobs?: number;
  git?: string;
  engine: 'bochs' | 'qemu-tcg';
  param: string[];
  timeout: number;
  all?: boolean;
  output?: string;
}

const HELP: Help = {
  what:
    'Check a patch series as it is posted: apply it patch by patch, build and run each, and say of each what changed against the one ' +
    'before. The series is an mbox, mails or diffs, or a range of commits. Ends with what goes into a reply.',
  examples: [
    ['series debian:7.2 series.mbox', "a series as it was mailed, upon Debian's 7.2"],
    [
      "series linux master..topic --scenario 'mtrr/*'",
      'a branch upon the tree in linux, which stands at master',
    ],
  ],
  statuses: [
    [0, 'every patch applies, builds and boots, and makes nothing fail that did not'],
    [1, 'one does not'],
    USAGE_STATUS,
  ],
};

/** What a patch whose kernel cannot be run comes to; an error that is not its own ends the series. */
function outcomeOfError(error: unknown): Outcome {
  const { code } = error as { code?: unknown };
  const text = sentenceOf(error);
  if (interrupted.aborted) throw error;
  if (code === 'LAB_PATCH') return { kind: 'not applied', text };
  if (code === 'LAB_BUILD' || code === 'LAB_CONFIG') return { kind: 'not built', text };
  const answer = answerOfError(error);
  if (answer === undefined) throw error;
  return { kind: 'not booted', text: answer.text };
}

/** Build and run the base with these patches, and hold it against the kernel that ran before. */
async function outcomeOf(
  base: string,
  patches: readonly SeriesPatch[],
  options: SeriesOptions,
  { name, before }: { name: string; before: Side | undefined },
): Promise<Outcome> {
  const { config, jobs, scenario } = options;
  try {
    const { bzImage, modular } = await build(
      {
        source: base,
        patches: patches.map(({ file }) => file),
        configs: config,
        ...(jobs !== undefined && { jobs }),
      },
      `building ${name}`,
    );
    const run = { ...options, snapshot: modular, scenarios: selectScenarios(catalogue, scenario) };
    const { recorded, set, warnings } = await runOperand(bzImage, run, new Set());
    const side = sideOfRecorded(recorded);
    if (side === undefined)
      return {
        kind: 'not booted',
        text: set.crashed === undefined ? 'it told nothing' : deathText(set.crashed),
      };
    const own = { ...side, name };
    return { kind: 'ran', side: own, warnings, ...(before && { comparison: compare(before, own) }) };
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** The base, then each patch upon those before it, until one does not apply. */
async function rowsOf(
  base: string,
  patches: readonly SeriesPatch[],
  options: SeriesOptions,
): Promise<SeriesRow[]> {
  const rows: SeriesRow[] = [];
  let before: Side | undefined;
  for (let count = 0; count <= patches.length; count++) {
    const name = count === 0 ? base : `${count}/${patches.length}`;
    const outcome = await outcomeOf(base, patches.slice(0, count), options, { name, before });
    rows.push({ subject: patches[count - 1]?.subject ?? base, outcome });
    if (outcome.kind === 'ran') before = outcome.side;
    if (outcome.kind === 'not applied') return [...rows, ...unreached(patches.slice(count))];
    if (count === 0 && outcome.kind !== 'ran')
      throw new UsageError(`nothing can be said of the series: ${base} cannot be tested: ${outcome.text}`);
  }
  return rows;
}

const unreached = (patches: readonly SeriesPatch[]): SeriesRow[] =>
  patches.map(({ subject }) => ({
    subject,
    outcome: { kind: 'not applied', text: 'not tried: one before it does not apply' },
  }));

/** Who runs this, as git knows them. */
function tester(): string {
  const { status, stdout } = spawnSync('git', ['var', 'GIT_COMMITTER_IDENT'], { encoding: 'utf8' });
  const name = status === 0 ? /^(.* <.*>) \d+ [+-]\d+$/m.exec(stdout)?.[1] : undefined;
  return name ?? 'Your Name <you@example.org>';
}

function patchFile(file: string): string {
  try {
    return existingFile(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${sentenceOf(error)}`);
  }
}

async function series(base: string, args: readonly string[], options: SeriesOptions): Promise<void> {
  const { output, all = false } = options;
  if (output !== undefined) checkWritable(output);
  const range = args.length === 1 && !existsSync(args[0] as string) ? args[0] : undefined;
  const files = range === undefined ? args.map(patchFile) : [];
  const repository = options.git ?? (existsSync(join(base, '.git')) ? base : '.');
  const rows = await withSeries({ files, range, repository }, (patches) => rowsOf(base, patches, options));
  const who = { name: tester(), version: VERSION };
  const text = renderSeries(rows, who, { all, width: textWidth(process.stdout) });
  if (output === undefined) process.stdout.write(text);
  else writeOutput(output, text);
  process.exitCode = rows.some(isBadRow) ? 1 : 0;
}

/** `kvm-memtype series <base> <patch...>`. */
export function seriesCommand(): Command {
  const command = addHelp(new Command('series'), HELP)
    .argument('<base>', 'debian:<version>, a kernel tree or a tarball: what the series is for')
    .argument('<patch...>', 'mboxes, mails or diffs in order; or one range of commits, such as master..topic')
    .option('--git <repository>', 'where the range is; the base, or the current directory if not given')
    .option('--jobs <n>', 'compile this many files at a time', whole(1, 1024))
    .option('--all', 'tell of every change, however many there are')
    .option('--output <file>', 'write it into a file', outputFile)
    .addOption(new Option('--engine <name>', 'where to run').choices(['bochs', 'qemu-tcg']).default('bochs'))
    .option('--timeout <seconds>', 'give up on a kernel after this long', seconds, DEFAULT_TIMEOUT);
  addRepeatable(command, '--scenario <pattern>', 'run these scenarios only', (text: string) => text);
  addRepeatable(command, '--config <file>', 'further options of the kernel, NAME=value', existingFile);
  addParameters(command, 'the kernels');
  return command.action(series);
}
