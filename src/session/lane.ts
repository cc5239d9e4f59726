import type { LabOutcome } from '../lab/index.js';
import type { AgentErrorCode } from '../recording/error-codes.js';
import { decodeMessage } from '../recording/message-schema.js';
import type { AgentMessage, Environment, Recording } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';

/** A scenario to be run, and what it gave. */
export interface Slot {
  scenario: Scenario;
  /** Whether its result was asked for; the others only tell the policy. */
  wanted: boolean;
  /** Which repetition this is, from 1. */
  round: number;
  recording?: Recording;
}

/** How an agent ended that did not do all it had to. */
export type Death = Exclude<LabOutcome, { kind: 'done' }>;

/** The agent could not start; the message is its own. */
export class AgentError extends Error {
  constructor(
    readonly code: AgentErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Follows one agent that runs `slots`, in order, on a machine of its own. */
export class Lane {
  environment: Environment | undefined;
  failed: AgentError | undefined;
  #running: string | undefined;
  /** How many recordings the agent said it had made, at its end. */
  #ended: number | undefined;
  /** The first thing that the agent sent and should not have. */
  #unasked: string | undefined;

  constructor(readonly slots: readonly Slot[]) {}

  /**
   * Take in a line that the agent printed.
   * @throws WireError
   */
  take(line: string): AgentMessage {
    const message = decodeMessage(line);
    if (message.type === 'environment') this.#describe(message.environment);
    if (message.type === 'started') this.#running = message.scenario;
    if (message.type === 'recording') this.#record(message.recording);
    if (message.type === 'failed') this.failed = new AgentError(message.code, message.message);
    if (message.type === 'end') this.#ended = message.count;
    return message;
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

  #next(name: string): Slot | undefined {
    return this.slots.find((slot) => slot.recording === undefined && slot.scenario.name === name);
  }

  /** Whether the agent was at this slot when it ended. */
  isRunning(slot: Slot): boolean {
    return this.#running !== undefined && this.#next(this.#running) === slot;
  }

  /**
   * What kept the agent from its end. One that ends before it said that it was done has died, whatever its status; so
   * has one that ends with another status than 0, whatever it said, and one whose account of itself does not add up.
   */
  death(outcome: LabOutcome): Death | undefined {
    if (outcome.kind !== 'done') return outcome;
    const reason = this.#fault(outcome.status);
    return reason === undefined ? undefined : { kind: 'agent-died', reason, consoleTail: [] };
  }

  #fault(status: number): string | undefined {
    if (this.failed !== undefined) return `the agent failed: ${this.failed.message}`;
    if (this.#ended === undefined) return `the agent ended early, with status ${status}`;
    const lost = this.slots.find(({ recording }) => recording === undefined);
    if (lost !== undefined) return `the agent ended without ${lost.scenario.name}`;
    if (this.environment === undefined) return 'the agent never told what machine it runs on';
    if (this.#unasked !== undefined) return `the agent sent ${this.#unasked}`;
    if (this.#ended !== this.slots.length)
      return `the agent counts ${this.#ended} recordings, and made ${this.slots.length}`;
    return status === 0
      ? undefined
      : `the agent ended with status ${status} after it had said that it was done`;
  }
}
