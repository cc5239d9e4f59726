import { judge } from '../check/judge.js';
import { foreignWarnings } from '../check/kernel-log.js';
import {
  answersPolicy,
  choosePolicy,
  departure,
  explainedBy,
  type PolicyChoice,
  PROBE_SCENARIOS,
  type Recorded,
} from '../check/policy-choice.js';
import { Coverage, scopeOf } from '../coverage/index.js';
import { keepMachines } from '../lab/index.js';
import type { AgentMessage, Environment, Recording } from '../recording/recording.js';
import { deathText } from '../report/formats/crash.js';
import type { ResultSet, ScenarioResult, SetHeader } from '../report/types.js';
import { fingerprintOf } from './fingerprint.js';
import { comesBack } from './follow.js';
import { Lane, type Plan, type Slot } from './lane.js';
import { runMachines, runOf } from './machines.js';
import type { Death, Outcome } from './outcome.js';
import { TimelineWatch } from './recorded/timeline.js';
import type { SessionListener, SessionRequest } from './request.js';
import { lostResult, toResult } from './result.js';
import { planOf } from './slots.js';
import { paramsOf } from './target.js';
import { Forecast } from './times/forecast.js';

export type { SessionListener, SessionRequest } from './request.js';

/** Follows the agents, judges each recording when its turn comes, and adds up the result. */
export class Session {
  readonly lanes: Lane[];
  readonly forecast: Forecast;
  readonly #slots: readonly Slot[];
  readonly #results: ScenarioResult[] = [];
  /** Number of slots that have been recorded. */
  #done = 0;
  /** Number of slots whose result has been given out. */
  #shown = 0;
  #choice: PolicyChoice | undefined;
  #coverage: Coverage | undefined;
  #toldLog = false;
  readonly #scope: SetHeader['scope'];
  /** Names of the scenarios that tell the policy. */
  readonly #probing: readonly string[];

  constructor(
    readonly request: SessionRequest,
    readonly listener: SessionListener,
    { slots, lanes, machines }: Plan,
  ) {
    this.#slots = slots;
    this.#probing = request.probes ?? PROBE_SCENARIOS;
    this.lanes = lanes.map((own) => new Lane(own, [], request.counters));
    this.forecast = new Forecast(this.lanes, request.times, machines);
    const wanted = slots.flatMap((slot) => (slot.wanted ? [slot.scenario] : []));
    this.#scope = scopeOf(wanted, request.catalogue);
  }

  /** Have another machine do what lane `index` has not begun, as its machine has died. */
  succeed(index: number): Lane {
    const lane = new Lane(this.lanes[index]?.handOver() ?? [], [], this.request.counters);
    this.lanes.push(lane);
    return lane;
  }

  /** @param lane whose agent sent it; absent where it is told again */
  take(message: AgentMessage, lane?: Lane): void {
    if (lane !== undefined) this.forecast.take(message, lane);
    if (message.type === 'environment') this.#tellLog(message.environment);
    if (message.type === 'started') {
      this.listener.started?.(message.scenario);
      this.tellProgress(message.scenario);
    }
    if (message.type === 'recording') {
      this.#done++;
      this.#show();
    }
  }

  tellProgress(text: string): void {
    const leftMs = this.forecast.left();
    const count = { done: this.#done, total: this.#slots.length };
    this.listener.progress(text, leftMs === undefined ? count : { ...count, leftMs });
  }

  /** Say it where the kernel's warnings cannot be checked: once, for all machines are alike. */
  #tellLog({ kernelLog }: Environment): void {
    if (typeof kernelLog !== 'object' || this.#toldLog) return;
    this.#toldLog = true;
    this.listener.warning?.(
      `warnings of the kernel are not checked: ${kernelLog.reason} (${kernelLog.lift})`,
    );
  }

  /** What the machines are, once one of them has told. */
  get environment(): Environment | undefined {
    return this.lanes.find(({ environment }) => environment !== undefined)?.environment;
  }

  #recorded(): Recorded[] {
    return this.#slots.flatMap(({ scenario, recording }) =>
      recording === undefined ? [] : [{ scenario, recording }],
    );
  }

  /** Whether a line of the kernel's console was logged while a scenario ran, so that its verdict has it. */
  #heard(line: string): boolean {
    return this.#recorded().some(({ recording }) =>
      recording.kernelLog?.lines.some(({ text }) => text.includes(line)),
    );
  }

  #probes(): Recorded[] {
    return this.#recorded().filter(({ scenario }) => this.#probing.includes(scenario.name));
  }

  /** Whether the policy is known, or every scenario that tells it has been recorded. */
  #knows(): boolean {
    if (this.#choice !== undefined || this.request.policy !== 'auto') return true;
    return new Set(this.#probes().map(({ scenario }) => scenario.name)).size === this.#probing.length;
  }

  /** Give out the results whose turn has come, in the order of the slots. */
  #show(): void {
    const env = this.environment;
    if (env === undefined || !this.#knows()) return;
    for (const slot of this.#slots.slice(this.#shown)) {
      if (slot.recording === undefined) return;
      this.#judge(slot, slot.recording, env);
    }
  }

  #judge({ scenario, wanted, round }: Slot, recording: Recording, env: Environment): void {
    const choice = this.#choose(env);
    this.#shown++;
    for (const text of foreignWarnings(recording, env))
      this.listener.warning?.(
        `while ${scenario.name} ran, this host’s kernel warned of something else: ${text}`,
      );
    if (!wanted) return;
    const answers = this.request.known ?? answersPolicy(choice, env);
    const timeline = this.listener.timeline === undefined ? undefined : new TimelineWatch(scenario);
    const watches = [this.#coverage?.watch(), timeline?.watch].filter((watch) => watch !== undefined);
    const verdict = judge(scenario, recording, choice.policy, env, answers, (step) => {
      for (const watch of watches) watch(step);
    });
    const { rerun, sources = {} } = this.request;
    const result = toResult(scenario, recording, verdict, rerun(scenario.name), sources[scenario.name]);
    if (timeline?.timeline !== undefined) this.listener.timeline?.(scenario.name, timeline.timeline);
    this.#add(this.request.repeat > 1 ? { ...result, repeat: round } : result);
  }

  #choose(env: Environment): PolicyChoice {
    if (this.#choice === undefined) {
      this.#choice = choosePolicy(this.request.policy, this.#probes(), env);
      const { policy } = this.#choice;
      if (this.request.coverage && policy.paging === 'ept') this.#coverage = new Coverage(policy, env);
      this.listener.header(this.#header());
    }
    return this.#choice;
  }

  #header(): SetHeader {
    const { name, target } = this.request;
    const { release, ...image } = (target.engine === 'host' ? undefined : target.identity) ?? {};
    return {
      name,
      release: this.environment?.release ?? release ?? 'unknown',
      engine: target.engine,
      policy: this.#policy(),
      fingerprint: fingerprintOf(this.environment),
      kernel: { ...image, params: [...paramsOf(target)] },
      scope: this.#scope,
      planned: this.#slots.filter(({ wanted }) => wanted).length,
    };
  }

  #policy(): SetHeader['policy'] {
    const [choice, env] = [this.#choice, this.environment];
    if (choice === undefined || env === undefined) return { name: 'unknown', how: 'hint', explainedBy: [] };
    const departed = departure(choice, env);
    return {
      name: choice.policy.name,
      how: choice.how,
      explainedBy: [],
      ...departed,
      ...(departed !== undefined && this.request.strict ? { strict: true as const } : {}),
    };
  }

  #add(result: ScenarioResult): void {
    this.#results.push(result);
    this.listener.scenario(result);
  }

  #tellWarnings(outcomes: readonly Outcome[]): void {
    const warnings = outcomes.flatMap((outcome) => (outcome.kind === 'done' ? outcome.kernelWarnings : []));
    for (const warning of new Set(warnings))
      if (!this.#heard(warning)) this.listener.warning?.(`the kernel under test said: ${warning}`);
  }

  /**
   * @param outcomes how each lane's agent ended
   * @throws AgentError, WireError if none could start
   */
  finish(outcomes: readonly Outcome[], durationMs: number): ResultSet {
    this.#tellWarnings(outcomes);
    const ends = this.lanes.map((lane, i) => ({ lane, outcome: outcomes[i] as Outcome }));
    const [failed] = ends.flatMap(({ lane, outcome }) => lane.whyNotStarted(outcome) ?? []);
    // An agent that fails on its way has died, and what it recorded stays; one that recorded nothing could not start.
    if (failed !== undefined && this.#recorded().length === 0) throw failed;
    const deaths = ends.map(({ lane, outcome }) => lane.death(outcome));
    this.#showRest(deaths);
    const env = this.environment;
    const bad = this.#results.some(({ status }) => status === 'fail');
    const explained =
      bad && env !== undefined && this.request.policy === 'auto' ? explainedBy(this.#recorded(), env) : [];
    const header = this.#header();
    const crashed = deaths.find((death) => death !== undefined);
    return {
      ...header,
      policy: { ...header.policy, explainedBy: explained },
      durationMs,
      scenarios: this.#results,
      ...(this.#coverage === undefined ? {} : { coverage: this.#coverage.report() }),
      ...(crashed === undefined ? {} : { crashed }),
    };
  }

  /** The run ends early: give out what was recorded and has not had its turn, if the policy is known by now. */
  giveRecorded(): void {
    const env = this.environment;
    if (env === undefined || !this.#knows()) return;
    for (const slot of this.#slots.slice(this.#shown))
      if (slot.recording !== undefined) this.#judge(slot, slot.recording, env);
  }

  /** Give out every result that is left; a scenario without a recording gets the reason why it has none. */
  #showRest(deaths: readonly (Death | undefined)[]): void {
    const env = this.environment;
    if (env === undefined) this.listener.header(this.#header());
    else this.#choose(env);
    for (const slot of this.#slots.slice(this.#shown)) {
      if (slot.recording !== undefined && env !== undefined) this.#judge(slot, slot.recording, env);
      else this.#bury(slot, deaths);
    }
  }

  #bury(slot: Slot, deaths: readonly (Death | undefined)[]): void {
    this.#shown++;
    const index = this.lanes.findIndex(({ slots }) => slots.includes(slot));
    const death = deaths[index];
    if (!slot.wanted || death === undefined) return;
    const reason = deathText(death);
    const source = this.request.sources?.[slot.scenario.name];
    this.#add(lostResult(slot.scenario, reason, this.lanes[index]?.isRunning(slot) ?? false, source));
  }
}

/** Where several machines share the scenarios and come back for more, they need not be dealt out before. */
async function planFor(request: SessionRequest, listener: SessionListener): Promise<Plan> {
  const plan = planOf(request);
  const run = { ...runOf(request, listener), timeoutMs: request.timeoutMs };
  return plan.lanes.length > 1 && (await comesBack(run)) ? planOf(request, true) : plan;
}

/**
 * Run scenarios on one kernel, or on this host, and hold them against a policy. In the lab, several machines share them.
 * @throws AgentError if the agent could not start (no /dev/kvm), LabError if the lab could not, WireError if an agent sent only garbage
 */
export async function runSession(request: SessionRequest, listener: SessionListener): Promise<ResultSet> {
  const started = Date.now();
  // Held until the end, so that a machine that has done a share waits for the next.
  await using _ = keepMachines();
  const plan = await planFor(request, listener);
  const session = new Session(request, listener, plan);
  request.recorder?.begin(plan);
  if (request.times !== undefined) session.tellProgress('starting');
  const { outcomes, errors } = await runMachines(session, request, listener, plan.machines);
  const times = session.forecast.times();
  if (times !== undefined) listener.times?.(times);
  if (errors.length > 0) {
    session.giveRecorded();
    throw errors[0];
  }
  const durationMs = Date.now() - started;
  request.recorder?.end({ outcomes, durationMs });
  return session.finish(outcomes, durationMs);
}
