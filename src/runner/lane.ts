import type { LabOutcome } from '../lab/index.js';
import type { Scenario } from '../scenario/types.js';
import type { AgentErrorCode } from './error-codes.js';
import { decodeMessage } from './message-schema.js';
import type { AgentMessage, Environment, Recording } from './recording.js';

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
  #ended = false;

  constructor(readonly slots: readonly Slot[]) {}

  /**
   * Take in a line that the agent printed.
   * @throws WireError
   */
  take(line: string): AgentMessage {
    const message = decodeMessage(line);
    if (message.type === 'environment') this.environment = message.environment;
    if (message.type === 'started') this.#running = message.scenario;
    if (message.type === 'recording') this.#record(message.recording);
    if (message.type === 'failed') this.failed = new AgentError(message.code, message.message);
    if (message.type === 'end') this.#ended = true;
    return message;
  }

  #record(recording: Recording): void {
    const slot = this.#next(recording.scenario);
    if (slot === undefined) return;
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

  /** What kept the agent from its end. One that ends before it said that it was done has died, whatever its status. */
  death(outcome: LabOutcome): Death | undefined {
    if (outcome.kind !== 'done') return outcome;
    const lost = this.slots.find(({ recording }) => recording === undefined);
    if (this.#ended && lost === undefined) return undefined;
    const reason = this.#ended
      ? `the agent ended without ${lost?.scenario.name}`
      : `the agent ended early, with status ${outcome.status}`;
    return { kind: 'no-agent', reason, consoleTail: [] };
  }
}
