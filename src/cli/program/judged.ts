import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SavedRun } from '../../report/html/page.js';
import { UNFINISHED } from '../../report/journal/assemble.js';
import { readSaved } from '../../report/journal/saved.js';
import { createReport, type Report } from '../../report/report.js';
import type { RunHeader, RunResult } from '../../report/types.js';
import { type RecordedRun, readRecordingFile } from '../../session/recorded/read.js';
import { replayRun } from '../../session/recorded/replay.js';
import { readWatchFile, WATCH_MAGIC } from '../../watch/record.js';
import { resultOfWatch } from '../../watch/result.js';
import { log } from '../terminal/log.js';
import { commandLine } from './invocation.js';
import { toolInfo } from './provenance.js';
import { rerunOfRecorded } from './rerun.js';

/**
 * What a file is, by its first bytes: gzip (RFC 1952), a recording of `watch`, other JSON, or all else. Who reads one that cannot be
 * opened says why.
 */
export async function kindOf(file: string): Promise<'recording' | 'watch' | 'result' | 'other'> {
  // A named pipe would wait for a writer; what reads it as a file of its kind refuses it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return 'other';
  try {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(WATCH_MAGIC.length),
      0,
      WATCH_MAGIC.length,
      0,
    );
    const text = buffer.toString('latin1', 0, bytesRead);
    if (text === WATCH_MAGIC) return 'watch';
    if (bytesRead >= 2 && buffer[0] === 0x1f && buffer[1] === 0x8b) return 'recording';
    return text.startsWith('{') ? 'result' : 'other';
  } finally {
    await handle.close();
  }
}

/** How a recording is judged: as its run was asked to, unless told. */
interface JudgeOptions {
  policy?: string | undefined;
  strict?: boolean | undefined;
}

/** Results say what recorded them; and what judged them, if that is another. */
function headerOf({ header }: RecordedRun): RunHeader {
  const judge = toolInfo();
  const isSame = judge.version === header.tool.version && judge.revision === header.tool.revision;
  return isSame ? header : { ...header, judgedBy: judge };
}

/** Judge a recording of `watch`, each of whose VMs counts as a scenario. */
async function judgeWatch(
  file: string,
  policy: string | undefined,
  reportOf: (header: RunHeader) => Report,
): Promise<RunResult> {
  const recording = await readWatchFile(file);
  const { set, timelines } = resultOfWatch(
    recording,
    policy === 'auto' ? undefined : policy,
    commandLine(['watch', '--replay', file]),
  );
  const report = reportOf({ tool: toolInfo(), startedAt: recording.host.startedAt, planned: 1 });
  const { scenarios, durationMs, incomplete: _, ...header } = set;
  report.header(header);
  for (const result of scenarios) {
    const timeline = timelines.get(result);
    if (timeline !== undefined) report.timeline?.(timeline);
    report.scenario(result);
  }
  report.footer(set);
  return report.finish({ durationMs });
}

/** Judge a recording again, into a report. */
export async function judgeRecording(
  file: string,
  { policy, strict }: JudgeOptions,
  reportOf: (header: RunHeader) => Report,
): Promise<RunResult> {
  if ((await kindOf(file)) === 'watch') return judgeWatch(file, policy, reportOf);
  const recorded = await readRecordingFile(file);
  const report = reportOf(headerOf(recorded));
  replayRun(
    recorded,
    {
      policy,
      strict,
      rerun: (request, scenario) =>
        rerunOfRecorded(request, scenario, {
          policy: policy ?? request.policy,
          strict: strict ?? request.strict,
        }),
    },
    {
      header: (set) => report.header(set),
      scenario: (result) => report.scenario(result),
      ...(report.timeline && { timeline: (_, timeline) => report.timeline?.(timeline) }),
      footer: (set) => report.footer(set),
      progress: () => {},
      warning: (text) => log().warn(text),
    },
  );
  return report.finish(recorded.end ?? { durationMs: 0, incomplete: UNFINISHED });
}

/** The results in a file: a recording is judged again; all else is saved results, or no results at all. */
export async function readResults(file: string): Promise<SavedRun> {
  const kind = await kindOf(file);
  if (kind !== 'recording' && kind !== 'watch') return { run: readSaved(file), timelines: new Map() };
  const reports: Report[] = [];
  const run = await judgeRecording(file, {}, (header) => {
    const report = createReport(
      [],
      { write: () => {}, color: false, width: 80, keepTimelines: true },
      header,
    );
    reports.push(report);
    return report;
  });
  return { run, timelines: reports[0]?.timelines ?? new Map() };
}
