import { catalogue } from '../../catalogue/index.js';
import { type TraceBudget, WireError } from '../../recording/message-schema.js';
import type { Environment } from '../../recording/recording.js';
import type { ResultSet } from '../../report/types.js';
import type { ScenarioSource } from '../../scenario/file/lines.js';
import { AgentError, type Plan, type Slot } from '../lane.js';
import type { SessionListener, SessionRequest } from '../request.js';
import { Session } from '../session.js';
import type { Target } from '../target.js';
import type { RecordedKernel, RecordedRun } from './read.js';
import type { Again, RecordedRequest } from './records.js';

/** Bytes of all traces of a recording together. */
const TRACE_LIMIT = 256 << 20;

/** How a recording is judged. */
export interface Judging {
  /** `auto`, or a policy's name; as the run had it unless told. */
  policy?: string | undefined;
  /** As `run --strict`. */
  strict?: boolean | undefined;
  /** The command that runs one scenario of this kernel again. */
  rerun: (request: RecordedRequest, scenario: string) => string;
}

const targetOf = ({ target, again }: RecordedRequest): Target => {
  if (target.engine === 'host') return target;
  return { ...target, kernel: again.kernel ?? '' };
};

function planOf({ scenarios, slots }: RecordedRequest): Plan {
  const all = slots.map(([index, lane, round, wanted]) => {
    const slot = { scenario: scenarios[index], wanted, round } as Slot;
    return { slot, lane };
  });
  const count = Math.max(0, ...all.map(({ lane }) => lane + 1));
  return {
    slots: all.map(({ slot }) => slot),
    lanes: Array.from({ length: count }, (_, i) =>
      all.filter(({ lane }) => lane === i).map(({ slot }) => slot),
    ),
  };
}

/** Where scenarios stood that were read from files. */
const sourcesOf = ({ files, lines = {} }: Again): Record<string, ScenarioSource> =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [name, { file, lines: lines[name] ?? [] }]));

/** The request of a session that was recorded, as it was but for how it is judged. */
function requestOf(recorded: RecordedRequest, { policy, strict, rerun }: Judging): SessionRequest {
  return {
    name: recorded.name,
    target: targetOf(recorded),
    scenarios: [],
    catalogue,
    sources: sourcesOf(recorded.again),
    policy: policy ?? recorded.policy,
    repeat: recorded.repeat,
    strict: strict ?? recorded.strict,
    timeoutMs: 0,
    rerun: (scenario) => rerun(recorded, scenario),
  };
}

/** What there is of a kernel after its session was told again. */
export interface Replayed {
  environment: Environment | undefined;
  /** With what was recorded of each. */
  slots: readonly Slot[];
  /** Undefined where the session did not come to its end. */
  set: ResultSet | undefined;
}

/** Tell a session all that it was told, in the same order. */
export function replayKernel(
  { request, lines, end }: RecordedKernel,
  judging: Judging,
  listener: SessionListener,
  budget: TraceBudget = { left: TRACE_LIMIT },
): Replayed {
  const plan = planOf(request);
  const session = new Session(requestOf(request, judging), listener, plan);
  for (const { lane, line } of lines) {
    if (line === null) session.succeed(lane);
    const message = line === null ? undefined : session.lanes[lane]?.take(line, budget);
    if (message !== undefined) session.take(message);
  }
  const set = end === undefined ? undefined : finished(session, end);
  if (end === undefined) session.giveRecorded();
  return { environment: session.environment, slots: plan.slots, set };
}

/** Agents that could not start ended the run with an error; it is in the run's end. */
function finished(session: Session, { outcomes, durationMs }: NonNullable<RecordedKernel['end']>) {
  try {
    return session.finish(outcomes, durationMs);
  } catch (error) {
    if (error instanceof AgentError || error instanceof WireError) return undefined;
    throw error;
  }
}

/** Tell a report all that the run's own was told. */
export function replayRun(
  { kernels }: RecordedRun,
  judging: Judging,
  report: SessionListener & { footer(set: ResultSet): void },
): void {
  const budget = { left: TRACE_LIMIT };
  for (const kernel of kernels) {
    const { set } = replayKernel(kernel, judging, report, budget);
    if (set !== undefined) report.footer(set);
  }
}
