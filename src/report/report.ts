import { checkWritable, writeOutput } from '../output-file.js';
import { clearProgressLine } from '../progress.js';
import { textWidth } from '../wrap.js';
import { renderJson } from './json.js';
import { renderJunit } from './junit.js';
import { renderKcidb } from './kcidb.js';
import { renderKtap } from './ktap.js';
import type { Format, OutputPlan } from './outputs.js';
import { prettyWriter, renderPretty } from './pretty.js';
import type { ResultSet, RunResult, ScenarioResult, SetHeader } from './types.js';

/** Each format's writer. */
export const RENDER: Record<Format, (run: RunResult) => string> = {
  pretty: (run) => renderPretty(run, { width: textWidth({}) }),
  ktap: renderKtap,
  junit: renderJunit,
  json: renderJson,
  kcidb: renderKcidb,
};

/** Where a run tells what happens: text for people is written as it comes, all else when the run is over. */
export interface Report {
  /** a kernel's results begin */
  header(set: SetHeader): void;
  /** one scenario of the set that began last is done */
  scenario(result: ScenarioResult): void;
  /** the set is complete */
  footer(set: ResultSet): void;
  /** the run is over: write every output */
  finish(run: RunResult): void;
}

/** What a report writes to. */
export interface ReportOptions {
  write: (text: string) => void;
  color: boolean;
  /** Columns that text for people may take. */
  width: number;
}

/** Whether text to `stream` is to be coloured: https://no-color.org, and FORCE_COLOR for pagers that can. */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/**
 * Make a report for these outputs.
 * @throws OutputError when a file cannot be written: now rather than after the run
 */
export function createReport(plans: readonly OutputPlan[], { write, color, width }: ReportOptions): Report {
  for (const { file } of plans) if (file !== undefined) checkWritable(file);
  const onScreen = plans.find((plan) => plan.file === undefined)?.format;
  const live = onScreen === 'pretty' ? prettyWriter({ color, width }) : undefined;
  let sets = 0;
  const show = (text: string) => {
    clearProgressLine();
    write(text);
  };
  return {
    header(set) {
      if (live) show((sets === 0 ? '' : '\n') + live.header(set));
      sets += 1;
    },
    scenario: (result) => live && show(live.scenario(result)),
    footer: (set) => live && show(live.footer(set)),
    finish(run) {
      for (const { format, file } of plans) if (file !== undefined) writeOutput(file, RENDER[format](run));
      if (live) show(live.summary(run));
      else if (onScreen) show(RENDER[onScreen](run));
    },
  };
}
