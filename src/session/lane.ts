import type { AgentErrorCode } from '../recording/error-codes.js';
import { decodeMessage, type TraceBudget, WireError } from '../recording/message-schema.js';
import type { AgentMessage, Environment, Recording } from '../recording/recording.js';
import type { ZapCase, ZapMeasurement } from '../recording/zaps.js';
import type { Scenario } from '../scenario/types.js';
import type { Death, Outcome } from './outcome.js';

/** A scenario to be run, and what it gave. */
export interface Slot {
  scenario: Scenario;
  /** Whether its result was asked for; the others only tell the policy. */
  wanted: boolean;
  /** Which repetition this is, from 1. */
  round: number;
  recording?: Recording;
}

/** What a session does: every scenario that is to be run, and which machine runs it. */
export interface Plan {
  /** In the order of the results. */
  slots: readonly Slot[];
  lanes: readonly (readonly Slot[])[];
  /** How many machines run side by side, each doing one lane after another; as many as there are lanes if not given. */
  machines?: number;
}

/** The agent could not start; the message is its own. */
export class AgentError extends Error {
  constructor(
    readonly code: AgentErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Follows one agent that runs `slots`, in order, and then boots the VMs of `cases`, on a machine of its own. */
export class Lane {
  environment: Environment | undefined;
  readonly measurements: ZapMeasurement[] = [];
  #failed: AgentError | undefined;
  /** The first line that was no message. */
  #garbage: WireError | undefined;
  #running: string | undefined;
  /** How many recordings the agent said it had made, at its end. */
  #ended: number | undefined;
  /** The first thing that the agent sent and should not have. */
  #unasked: string | undefined;

  /** @param slots what is left to it, once it has handed over */
  constructor(
    public slots: readonly Slot[],
    readonly cases: readonly ZapCase[] = [],
    /** Whether the kernel's counters were asked for. */
    readonly wantsCounters = false,
  ) {}

  /** Take in a line that the agent printed; what is no message is kept for the account of its end. */
  take(line: string, budget?: TraceBudget): AgentMessage | undefined {
    const message = this.#read(line, budget);
    if (message?.type === 'environment') this.#describe(message.environment);
    if (message?.type === 'started') this.#running = message.scenario;
    if (message?.type === 'recording') this.#record(message.recording);
    if (message?.type === 'zaps') this.#measure(message.measurement);
    if (message?.type === 'counters' && !this.wantsCounters)
      this.#unasked ??= 'counters that nobody asked for';
    if (message?.type === 'failed') this.#failed = new AgentError(message.code, message.message);
    if (message?.type === 'end') this.#ended = message.count;
    return message;
  }

  #read(line: string, budget?: TraceBudget): AgentMessage | undefined {
    try {
      return decodeMessage(line, budget);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#garbage ??= error;
      return undefined;
    }
  }

  #describe(environment: Environment): void {
    if (this.environment === undefined) this.environment = environment;
    else this.#unasked ??= 'a second description of its machine';
  }

  #record(recording: Recording): void {
    const slot = this.#next(recording.scenario);
    if (slot === undefined) {
      this.#unasked ??= `a recording of ${recording.scenario} that nobody asked for`;
      return;
    }
    slot.recording = recording;
    this.#running = undefined;
  }

  #measure(measurement: ZapMeasurement): void {
    const asked = this.cases[this.measurements.length];
    if (asked?.vcpus === measurement.vcpus && asked.mib === measurement.mib)
      this.measurements.push(measurement);
    else this.#unasked ??= 'a measurement that nobody asked for';
  }

  #next(name: string): Slot | undefined {
    return this.slots.find((slot) => slot.recording === undefined && slot.scenario.name === name);
  }

  /** Whether the agent was at this slot when it ended. */
  isRunning(slot: Slot): boolean {
    return this.#running !== undefined && this.#next(this.#running) === slot;
  }

  #isBegun(slot: Slot): boolean {
    return slot.recording !== undefined || this.isRunning(slot);
  }

  /** Whether the agent got to its first scenario; where it did not, neither would that of another machine. */
  get hasBegun(): boolean {
    return this.slots.some((slot) => this.#isBegun(slot));
  }

  /** Whether another machine could go on where this one has died. */
  get leavesWork(): boolean {
    return this.hasBegun && !this.slots.every((slot) => this.#isBegun(slot));
  }

  /** Give what has not begun to another machine. */
  handOver(): readonly Slot[] {
    const left = this.slots.filter((slot) => !this.#isBegun(slot));
    this.slots = this.slots.filter((slot) => this.#isBegun(slot));
    return left;
  }

  /** Why the agent could not start, where it has recorded nothing; how a machine died says more than half a line of its. */
  whyNotStarted(outcome: Outcome): AgentError | WireError | undefined {
    return this.#failed ?? (outcome.kind === 'done' ? this.#garbage : undefined);
  }

  /**
   * What kept the agent from its end. One that ends before it said that it was done has died, whatever its status; so
   * has one that ends with another status than 0, whatever it said, and one whose account of itself does not add up.
   */
  death(outcome: Outcome): Death | undefined {
    if (outcome.kind !== 'done') return outcome;
    const reason = this.#fault(outcome.status);
    return reason === undefined ? undefined : { kind: 'agent-died', reason, consoleTail: [] };
  }

  #fault(status: number): string | undefined {
    if (this.#failed !== undefined) return `the agent failed: ${this.#failed.message}`;
    if (this.#garbage !== undefined) return `the agent sent a line that is ${this.#garbage.message}`;
    if (this.#ended === undefined) return `the agent ended early, with status ${status}`;
    const lost = this.slots.find(({ recording }) => recording === undefined);
    if (lost !== undefined) return `the agent ended without ${lost.scenario.name}`;
    if (this.measurements.length < this.cases.length)
      return `the agent ended after ${this.measurements.length} of ${this.cases.length} boots`;
    if (this.environment === undefined) return 'the agent never told what machine it runs on';
    if (this.#unasked !== undefined) return `the agent sent ${this.#unasked}`;
    if (this.#ended !== this.slots.length)
      return `the agent counts ${this.#ended} recordings, and made ${this.slots.length}`;
    return status === 0
      ? undefined
      : `the agent ended with status ${status} after it had said that it was done`;
  }
}
