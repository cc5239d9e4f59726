import type { Policy } from '../memtype/index.js';
import type { Timeline } from '../report/html/timeline.js';
import type { ScenarioResult, SetHeader } from '../report/types.js';
import type { ScenarioSource } from '../scenario/file/lines.js';
import type { Scenario } from '../scenario/types.js';
import type { Plan } from './lane.js';
import type { Outcome } from './outcome.js';
import type { Target } from './target.js';
import type { Times } from './times/forecast.js';

/** One kernel to run the scenarios on. */
export interface SessionRequest {
  /** The label of the kernel in results. */
  name: string;
  target: Target;
  scenarios: readonly Scenario[];
  catalogue: readonly Scenario[];
  /** Where scenarios stand that were read from files, by name. */
  sources?: Readonly<Record<string, ScenarioSource>>;
  /** `auto` or a policy's name. */
  policy: string;
  /** The policy that a patched kernel is known to have, where its version means another; it says what KVM must answer about itself. */
  known?: Policy;
  /** The scenarios whose outcome tells the policy; PROBE_SCENARIOS unless given. */
  probes?: readonly string[];
  repeat: number;
  /** A kernel that behaves otherwise than its version says is a failure, not a warning. */
  strict?: boolean;
  /** Tell which pairs of the state space were exercised and observed. */
  coverage?: boolean;
  /** Have the machines tell how often each piece of KVM's code ran; only a kernel that was built to count does. */
  counters?: boolean;
  /** Device type of KVM_DEV_TYPE_VIRTIO, where it is to be no other. */
  virtioType?: number;
  /** KVM_MEM_NON_COHERENT_DMA, where it is to be no other. */
  memslotFlag?: number;
  timeoutMs: number;
  /** The command that runs one scenario again. */
  rerun: (scenario: string) => string;
  /** Told all that the session judges, so that it can be judged again. */
  recorder?: SessionRecorder;
  signal?: AbortSignal;
  /** How long things took in the last run, from which progress tells what is left. */
  times?: Times;
}

/** How the agents of a session ended. */
export interface SessionEnd {
  /** One for each lane. */
  outcomes: readonly Outcome[];
  durationMs: number;
}

/** Told what a session is made of. A session that an error ends has no end. */
export interface SessionRecorder {
  begin(plan: Plan): void;
  /** A line that the agent of a lane printed. Untrusted. */
  line(lane: number, line: string): void;
  /** The machine of a lane has died, and one more lane does what it had not begun. */
  succeeded(lane: number): void;
  end(end: SessionEnd): void;
}

/** What a kernel counted of one object: the name of its file, and what is in it. */
interface CountersOfObject {
  name: string;
  data: string;
}

/** Told while a session runs. */
export interface SessionListener {
  header(set: SetHeader): void;
  scenario(result: ScenarioResult): void;
  /** @param count scenarios that are done, of how many, and how long the rest will take, where that is known from the last run */
  progress(text: string, count: { done: number; total: number; leftMs?: number }): void;
  /** How long things took. */
  times?(times: Times): void;
  /** What happened in a scenario: comes just before its result. */
  timeline?(scenario: string, timeline: Timeline): void;
  /** A scenario begins, on one of the machines. */
  started?(scenario: string): void;
  /** What one machine's kernel counted of one object of KVM, packed by packText(). Untrusted. */
  counters?(lane: number, object: CountersOfObject): void;
  /** A line on the console of the kernel under test. */
  console?(line: string): void;
  /** Something that decides nothing but should be known, such as a warning of the kernel. */
  warning?(text: string): void;
}
