import { checkWritable, chunksOf, OutputError, writeOutput } from '../process/output-file.js';
import { textWidth } from '../text/wrap.js';
import { renderGithub } from './formats/github.js';
import { renderJson, resultPieces } from './formats/json.js';
import { junitPieces, renderJunit } from './formats/junit.js';
import { kcidbPieces, renderKcidb } from './formats/kcidb.js';
import { renderKtap } from './formats/ktap.js';
import { prettyWriter, renderPretty } from './formats/pretty.js';
import { renderKselftest, renderTap } from './formats/tap.js';
import { renderHtml, type Timelines } from './html/page.js';
import type { Timeline } from './html/timeline.js';
import { Assembler } from './journal/assemble.js';
import type { Journal } from './journal/journal.js';
import { type JournalRecord, runRecord } from './journal/records.js';
import type { Format, OutputPlan } from './outputs.js';
import type { Incomplete, ResultSet, RunHeader, RunResult, ScenarioResult, SetHeader } from './types.js';

/** Each format's writer. */
export const RENDER: Record<Format, (run: RunResult, timelines?: Timelines) => string> = {
  pretty: (run) => renderPretty(run, { width: textWidth({}) }),
  ktap: renderKtap,
  tap: renderTap,
  kselftest: renderKselftest,
  junit: renderJunit,
  json: renderJson,
  kcidb: renderKcidb,
  github: (run) => renderGithub(run),
  html: (run, timelines = new Map()) => renderHtml([{ run, timelines }]),
};

/** Formats that are written in pieces: a campaign's results may be more than one string holds. */
const PIECES: Partial<Record<Format, (run: RunResult) => Generator<string>>> = {
  junit: junitPieces,
  json: resultPieces,
  kcidb: kcidbPieces,
};

/** Write a run in one of the formats into a file, or as text where there is none. */
export function writeFormat(
  run: RunResult,
  { format, file }: OutputPlan,
  write: (text: string) => void,
  timelines?: Timelines,
): void {
  const data = PIECES[format]?.(run) ?? RENDER[format](run, timelines);
  if (file !== undefined) writeOutput(file, data);
  else if (typeof data === 'string') write(data);
  else for (const chunk of chunksOf(data)) write(chunk);
}

/** A run that is over in one of the formats, as `kvm-memtype report --format` writes it. */
export const renderResults = (run: RunResult, format: Format): string => RENDER[format](run);

/** Where a run tells what happens: text for people is written as it comes, all else when the run is over. */
export interface Report {
  /** a scenario begins */
  started(scenario: string): void;
  /** a kernel's results begin */
  header(set: SetHeader): void;
  /** what happened in a scenario, just before its result; absent where no output shows it */
  timeline?(timeline: Timeline): void;
  /** one scenario of the set that began last is done */
  scenario(result: ScenarioResult): void;
  /** the set is complete */
  footer(set: ResultSet): void;
  /** the run is over, or ends early: write every output */
  finish(end: { durationMs: number; incomplete?: Incomplete }): RunResult;
  /** an error ends the run, and there is nothing to write */
  abandon(): void;
  /** what happened in scenarios, as far as that was kept */
  readonly timelines: Timelines;
  /** whether no kernel's results have begun */
  readonly isEmpty: boolean;
}

/** What a report writes to. */
export interface ReportOptions {
  write: (text: string) => void;
  color: boolean;
  /** Columns that text for people may take. */
  width: number;
  /** Keep what happened in scenarios though no output shows it. */
  keepTimelines?: boolean;
}

/** Whether text to `stream` is to be coloured: https://no-color.org, and FORCE_COLOR for pagers that can. */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Write a run that is over to these outputs. */
export function writeReport(
  plans: readonly OutputPlan[],
  run: RunResult,
  options: ReportOptions,
  timelines: Timelines = new Map(),
): void {
  for (const plan of plans) if (plan.file !== undefined) writeFormat(run, plan, options.write, timelines);
  const onScreen = plans.find((plan) => plan.file === undefined);
  if (onScreen?.format === 'pretty') options.write(renderPretty(run, options));
  else if (onScreen) writeFormat(run, onScreen, options.write, timelines);
}

/**
 * Make a report for these outputs, of a run that begins.
 * @param journal where results go as they come; removed in the end, unless it is kept
 * @throws OutputError when a file cannot be written: now rather than after the run
 */
export function createReport(
  plans: readonly OutputPlan[],
  options: ReportOptions,
  begin: RunHeader,
  journal?: { file: Journal; keep: boolean },
): Report {
  for (const { file } of plans) if (file !== undefined) checkWritable(file);
  const toFiles = plans.filter(({ file }) => file !== undefined);
  const toScreen = plans.filter(({ file }) => file === undefined);
  const live = toScreen[0]?.format === 'pretty' ? prettyWriter(options) : undefined;
  const assembler = new Assembler();
  let sets = 0;
  const show = options.write;
  const note = (record: JournalRecord, sync = false): void => {
    assembler.take(record);
    journal?.file.write(record, sync);
  };
  const timelines = new Map<ScenarioResult, Timeline>();
  let timeline: Timeline | undefined;
  const begun = once(() => note(runRecord(begin)));
  return {
    started(scenario) {
      begun();
      note({ type: 'started', scenario }, true);
    },
    header(set) {
      begun();
      note({ type: 'set', set });
      if (live) show((sets === 0 ? '' : '\n') + live.header(set));
      sets += 1;
    },
    timelines,
    ...((options.keepTimelines || plans.some(({ format }) => format === 'html')) && {
      timeline: (given: Timeline) => {
        timeline = given;
      },
    }),
    scenario(result) {
      if (timeline !== undefined) timelines.set(result, timeline);
      timeline = undefined;
      note({ type: 'scenario', result });
      if (live) show(live.scenario(result));
    },
    footer(set) {
      const { scenarios, ...rest } = set;
      note({ type: 'set-end', set: rest });
      if (live) show(live.footer(set));
    },
    finish(end) {
      begun();
      note({ type: 'end', ...end });
      const run = assembler.run();
      keepOnError(journal?.file, () => writeReport(toFiles, run, options, timelines));
      journal?.file.close(journal.keep);
      const broken = run.sets.find(({ incomplete }) => incomplete);
      if (live) show((broken ? live.footer(broken) : '') + live.summary(run));
      else writeReport(toScreen, run, { ...options, write: show }, timelines);
      return run;
    },
    abandon: () => journal?.file.close(false),
    get isEmpty() {
      return assembler.isEmpty;
    },
  };
}

/** What could not be written in the end is still in the journal. */
function keepOnError(journal: Journal | undefined, write: () => void): void {
  try {
    write();
  } catch (error) {
    journal?.close(true);
    if (journal === undefined || !(error instanceof OutputError)) throw error;
    throw new OutputError(`${error.message}; the results are in ${journal.file}`, { cause: error });
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
