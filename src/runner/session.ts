import type { LabOutcome } from '../lab/index.js';
import type { ResultSet, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { type EngineName, runAgent } from './engines.js';
import { judge } from './judge.js';
import { decodeMessage } from './message-schema.js';
import {
  choosePolicy,
  explainedBy,
  type PolicyChoice,
  PROBE_SCENARIOS,
  type Recorded,
} from './policy-choice.js';
import type { Environment } from './recording.js';
import { lostResult, toResult } from './result.js';

/** One kernel to run the scenarios on. */
export interface SessionRequest {
  /** What the user calls the kernel. */
  name: string;
  engine: EngineName;
  kernel: string | undefined;
  scenarios: readonly Scenario[];
  catalogue: readonly Scenario[];
  /** `auto` or a policy's name. */
  policy: string;
  repeat: number;
  device: string | null;
  /** Device type of KVM_DEV_TYPE_VIRTIO, where it is to be no other. */
  virtioType?: number;
  /** KVM_MEM_NON_COHERENT_DMA, where it is to be no other. */
  memslotFlag?: number;
  params: readonly string[];
  timeoutMs: number;
  /** The command that runs one scenario again. */
  rerun: (scenario: string) => string;
  signal?: AbortSignal;
}

/** Told while a session runs. */
export interface SessionListener {
  header(set: SetHeader): void;
  scenario(result: ScenarioResult): void;
  progress(text: string): void;
  /** A line on the console of the kernel under test. */
  console?(line: string): void;
  /** Something that decides nothing but should be known, such as a warning of the kernel. */
  warning?(text: string): void;
}

type Death = Exclude<LabOutcome, { kind: 'done' }>;

/** The agent could not start; the message is its own. */
export class AgentError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What KVM was asked for; the numbers of proposals only where the kernel has them. */
function capabilitiesOf(env: Environment): Record<string, number> {
  const has = (need: 'virtio-device' | 'memslot-flag'): boolean => env.missing[need] === undefined;
  return {
    KVM_CAP_DISABLE_QUIRKS2: env.quirks,
    ...(has('virtio-device') ? { KVM_DEV_TYPE_VIRTIO: env.virtioType } : {}),
    ...(has('memslot-flag') ? { KVM_MEM_NON_COHERENT_DMA: env.memslotFlag } : {}),
  };
}

/** Follows one agent, judges each recording as it comes, and adds up the result. */
class Session {
  readonly #byName: Map<string, Scenario>;
  readonly #wanted: Set<string>;
  readonly #recorded: Recorded[] = [];
  readonly #results: ScenarioResult[] = [];
  /** Scenarios without a recording yet. */
  readonly #left: string[];
  /** Recordings that wait for the policy to be known. */
  #pending: Recorded[] = [];
  readonly #started = Date.now();
  #env: Environment | undefined;
  #choice: PolicyChoice | undefined;
  #running: string | undefined;
  #failed: AgentError | undefined;
  #ended = false;

  constructor(
    readonly request: SessionRequest,
    readonly listener: SessionListener,
  ) {
    this.#byName = new Map(request.catalogue.map((scenario) => [scenario.name, scenario]));
    this.#wanted = new Set(request.scenarios.map((scenario) => scenario.name));
    this.#left = this.order();
  }

  /** The scenarios to run: those that tell the policy first, unless a policy was forced. */
  order(): string[] {
    const names = [...this.#wanted];
    const rounds = Array.from({ length: this.request.repeat }, () => names).flat();
    if (this.request.policy !== 'auto') return rounds;
    const first = PROBE_SCENARIOS.filter((name) => names.includes(name));
    const others = PROBE_SCENARIOS.filter((name) => !names.includes(name));
    const rest = names.filter((name) => !PROBE_SCENARIOS.includes(name));
    return [...others, ...first, ...rest, ...rounds.slice(names.length)];
  }

  line(line: string): void {
    const message = decodeMessage(line);
    switch (message.type) {
      case 'environment':
        this.#env = message.environment;
        return;
      case 'started':
        this.#running = message.scenario;
        this.listener.progress(message.scenario);
        return;
      case 'recording':
        this.#record(message.recording);
        return;
      case 'failed':
        this.#failed = new AgentError(message.code, message.message);
        return;
      case 'zaps':
        return;
      case 'end':
        this.#ended = true;
        return;
    }
  }

  #record(recording: Recorded['recording']): void {
    const scenario = this.#byName.get(recording.scenario);
    const env = this.#env;
    if (scenario === undefined || env === undefined) return;
    this.#running = undefined;
    this.#recorded.push({ scenario, recording });
    this.#left.splice(this.#left.indexOf(scenario.name), 1);
    this.#pending.push({ scenario, recording });
    if (this.#choice === undefined && this.request.policy === 'auto' && !this.#probed()) return;
    this.#judgePending(env);
  }

  /** Whether every scenario that tells the policy has been recorded. */
  #probed(): boolean {
    return PROBE_SCENARIOS.every((name) => this.#recorded.some(({ scenario }) => scenario.name === name));
  }

  #judgePending(env: Environment): void {
    const choice = this.#choose(env);
    for (const { scenario, recording } of this.#pending.splice(0)) {
      if (!this.#wanted.has(scenario.name)) continue;
      const verdict = judge(scenario, recording, choice.policy, env);
      const result = toResult(scenario, recording, verdict, this.request.rerun(scenario.name));
      this.#add(this.request.repeat > 1 ? { ...result, repeat: this.#round(scenario) } : result);
    }
  }

  /** Which repetition of a scenario is next, from 1. */
  #round(scenario: Scenario): number {
    const done = this.#results.filter(({ family, name }) => `${family}/${name}` === scenario.name);
    return done.length + 1;
  }

  #choose(env: Environment): PolicyChoice {
    if (this.#choice === undefined) {
      const probes = this.#recorded.filter(({ scenario }) => PROBE_SCENARIOS.includes(scenario.name));
      this.#choice = choosePolicy(this.request.policy, probes, env);
      this.listener.header(this.#header());
    }
    return this.#choice;
  }

  #header(): SetHeader {
    const { name, engine } = this.request;
    const policy = {
      name: this.#choice?.policy.name ?? 'unknown',
      how: this.#choice?.how ?? 'hint',
      explainedBy: [],
    } as const;
    return { name, release: this.#env?.release ?? 'unknown', engine, policy: { ...policy, explainedBy: [] } };
  }

  #add(result: ScenarioResult): void {
    this.#results.push(result);
    this.listener.scenario(result);
  }

  finish(outcome: LabOutcome): ResultSet {
    if (this.#failed !== undefined) throw this.#failed;
    const death = outcome.kind === 'done' ? this.#earlyEnd(outcome.status) : outcome;
    if (this.#env !== undefined) this.#judgePending(this.#env);
    if (death !== undefined) this.#bury(death);
    const env = this.#env;
    const bad = this.#results.some(({ status }) => status === 'fail');
    const explained =
      bad && env !== undefined && this.request.policy === 'auto' ? explainedBy(this.#recorded, env) : [];
    const header = this.#header();
    return {
      ...header,
      policy: { ...header.policy, explainedBy: explained },
      fingerprint: {
        cpu: env?.cpuModel ?? 'unknown',
        ept: env?.paging === 'ept',
        params: env?.params ?? {},
        capabilities: env === undefined ? {} : capabilitiesOf(env),
      },
      durationMs: Date.now() - this.#started,
      scenarios: this.#results,
      ...(death === undefined ? {} : { crashed: death }),
    };
  }

  /** An agent that ends before it said that it was done has died, whatever its status. */
  #earlyEnd(status: number): Death | undefined {
    if (this.#ended) return undefined;
    return { kind: 'no-agent', reason: `the agent ended early, with status ${status}`, consoleTail: [] };
  }

  /** Give every scenario that has no verdict yet the reason why it never will. */
  #bury(outcome: Death): void {
    if (this.#choice === undefined) this.listener.header(this.#header());
    const reason = `the kernel died (${outcome.kind}: ${outcome.reason})`;
    for (const name of this.#left) {
      const scenario = this.#byName.get(name);
      if (scenario !== undefined && this.#wanted.has(name))
        this.#add(lostResult(scenario, reason, name === this.#running));
    }
  }
}

/**
 * Run scenarios on one kernel, or on this host, and hold them against a policy.
 * @throws AgentError if the agent could not start (no /dev/kvm), LabError if the lab could not, WireError on garbage
 */
export async function runSession(request: SessionRequest, listener: SessionListener): Promise<ResultSet> {
  const session = new Session(request, listener);
  let broken: unknown;
  const outcome = await runAgent({
    engine: request.engine,
    kernel: request.kernel,
    spec: {
      scenarios: session.order(),
      device: request.device,
      ...(request.virtioType === undefined ? {} : { virtioType: request.virtioType }),
      ...(request.memslotFlag === undefined ? {} : { memslotFlag: request.memslotFlag }),
    },
    params: request.params,
    onConsole: (line) => listener.console?.(line),
    timeoutMs: request.timeoutMs,
    onLine: (line) => {
      try {
        session.line(line);
      } catch (error) {
        broken ??= error;
      }
    },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (broken !== undefined) throw broken;
  if (outcome.kind === 'done') {
    for (const warning of outcome.kernelWarnings)
      listener.warning?.(`the kernel under test said: ${warning}`);
  }
  return session.finish(outcome);
}
