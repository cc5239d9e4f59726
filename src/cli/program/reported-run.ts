import { createReport, wantsColor } from '../../report/index.js';
import type { OutputPlan } from '../../report/outputs.js';
import type { Report, ReportOptions } from '../../report/report.js';
import type { Incomplete, ResultSet, RunResult } from '../../report/types.js';
import { RunRecorder } from '../../session/recorded/writer.js';
import type { SessionListener } from '../../session/request.js';
import { runSession, type SessionRequest } from '../../session/session.js';
import { textWidth } from '../../text/wrap.js';
import { sentenceOf } from '../errors.js';
import { journalFor } from '../options/journal.js';
import { interrupted } from '../terminal/interrupt.js';
import { keepTimes, lastTimes } from '../terminal/last-times.js';
import { log } from '../terminal/log.js';
import { clearProgressLine, isProgressSeen, withProgress } from '../terminal/progress.js';
import { hostInfo, toolInfo } from './provenance.js';

/** Where the results of a run go. */
export interface Outputs {
  plans: readonly OutputPlan[];
  /** `--journal` */
  journal: string | undefined;
  /** `--record` */
  record?: string | undefined;
  /** How many kernels there will be. */
  planned: number;
}

/** Where text for people goes. */
export const screen = (): ReportOptions => ({
  write: (text: string) => {
    clearProgressLine();
    process.stdout.write(text);
  },
  color: wantsColor(process.stdout),
  width: textWidth(process.stdout),
});

const incompleteOf = (error: unknown): Incomplete =>
  interrupted.aborted
    ? { reason: 'interrupted', text: sentenceOf(interrupted.reason) }
    : { reason: 'failed', text: sentenceOf(error) };

/**
 * Do what a run consists of, and write its results, also where an error ends it early.
 * @throws OutputError, UsageError if results cannot be written there; what `work` throws
 */
export async function reportedRun(
  { plans, journal, record, planned }: Outputs,
  work: (report: Report, recorder: RunRecorder | undefined) => Promise<void>,
): Promise<RunResult> {
  const startedAt = new Date();
  const durationMs = (): number => Date.now() - startedAt.getTime();
  const begin = { tool: toolInfo(), host: hostInfo(), startedAt: startedAt.toISOString(), planned };
  const report = createReport(plans, screen(), begin, journalFor(plans, journal));
  const recorder = record === undefined ? undefined : new RunRecorder(record, begin);
  const finish = async (why?: { incomplete: Incomplete }): Promise<RunResult> => {
    const end = { durationMs: durationMs(), ...why };
    const result = report.finish(end);
    await recorder?.finish(end);
    return result;
  };
  try {
    await work(report, recorder);
  } catch (error) {
    // What was found out by now is worth as much as before: write it, and that it is not all.
    if (interrupted.aborted || !report.isEmpty) {
      await finish({ incomplete: incompleteOf(error) });
    } else {
      report.abandon();
      await recorder?.abandon();
    }
    throw error;
  }
  return finish();
}

/** Run scenarios on one kernel and report its results as they come. */
export async function runKernel(
  request: SessionRequest,
  report: Report,
  also: Pick<SessionListener, 'counters'> = {},
): Promise<ResultSet> {
  const { name, target } = request;
  const label = target.engine === 'host' ? `running on ${name}` : `running ${name} in ${target.engine}`;
  const seen = isProgressSeen();
  const times = seen ? lastTimes(target.engine) : undefined;
  const set = await withProgress(label, (progress) =>
    runSession(
      { ...request, ...(times && { times }) },
      {
        header: (header) => report.header(header),
        started: (scenario) => report.started(scenario),
        scenario: (result) => report.scenario(result),
        ...(report.timeline && { timeline: (_, timeline) => report.timeline?.(timeline) }),
        ...also,
        progress: (text, count) => progress.update(text, count),
        ...(seen && { times: (took) => keepTimes(target.engine, took) }),
        console: (line) => log().debug({ kernel: name }, line),
        warning: (text) => log().warn({ kernel: name }, text),
      },
    ),
  );
  report.footer(set);
  return set;
}
