import type { AgentMessage } from '../recording/recording.js';
import { type FollowedRun, follow } from './follow.js';
import type { Lane } from './lane.js';
import type { Outcome } from './outcome.js';
import type { SessionListener, SessionRequest } from './request.js';

/** Machines that take the place of dead ones: a kernel that dies of everything is not to take all day. */
const MOST_SUCCESSORS = 8;

/** What the machines of a session do, and whom they tell. */
interface Work {
  readonly lanes: readonly Lane[];
  take(message: AgentMessage, lane: Lane): void;
  /** Have another lane do what this one has not begun. */
  succeed(lane: number): Lane;
}

/** Runs an agent for each lane; where a machine of the lab dies, another one does what is left, but for what it died of. */
class Machines {
  readonly outcomes: (Outcome | undefined)[] = [];
  readonly errors: unknown[] = [];
  readonly #started = Date.now();
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  #successors = 0;

  constructor(
    readonly work: Work,
    readonly request: SessionRequest,
    readonly listener: SessionListener,
  ) {
    const given = request.signal === undefined ? [] : [request.signal];
    this.#signal = AbortSignal.any([this.#failure.signal, ...given]);
  }

  /** Run a lane, and those that succeed it. One agent that cannot be run ends the others. */
  async run(lane: Lane, index: number): Promise<void> {
    try {
      const outcome = await follow(lane, this.#runOf(index), (message) => {
        this.work.take(message, lane);
        if (message.type === 'counters' && this.request.counters) this.listener.counters?.(index, message);
      });
      this.outcomes[index] = outcome;
      const next = this.#successorOf(lane, index, outcome);
      if (next !== undefined) await this.run(next, this.work.lanes.indexOf(next));
    } catch (error) {
      this.errors.push(error);
      this.#failure.abort();
    }
  }

  /** Milliseconds until the kernel's time is over, in whole seconds. */
  get #left(): number {
    return Math.ceil((this.request.timeoutMs - (Date.now() - this.#started)) / 1000) * 1000;
  }

  #successorOf(lane: Lane, index: number, outcome: Outcome): Lane | undefined {
    const { target, recorder } = this.request;
    if (target.engine === 'host' || lane.death(outcome) === undefined) return undefined;
    if (this.#successors === MOST_SUCCESSORS || this.#left <= 0 || !lane.leavesWork) return undefined;
    this.#successors++;
    recorder?.succeeded(index);
    return this.work.succeed(index);
  }

  #runOf(lane: number): FollowedRun {
    const { target, virtioType, memslotFlag, recorder } = this.request;
    return {
      target,
      timeoutMs: this.#left,
      signal: this.#signal,
      spec: {
        ...(virtioType === undefined ? {} : { virtioType }),
        ...(memslotFlag === undefined ? {} : { memslotFlag }),
        ...(this.request.counters ? { counters: true } : {}),
      },
      onConsole: (line) => this.listener.console?.(line),
      onProblem: (text) => this.listener.warning?.(text),
      ...(recorder === undefined ? {} : { tap: (line: string) => recorder.line(lane, line) }),
    };
  }
}

/** Run every lane to its end; `errors` has what kept agents from running, in the order in which it came. */
export async function runMachines(
  work: Work,
  request: SessionRequest,
  listener: SessionListener,
): Promise<{ outcomes: Outcome[]; errors: readonly unknown[] }> {
  const machines = new Machines(work, request, listener);
  await Promise.all(work.lanes.map((lane, i) => machines.run(lane, i)));
  const outcomes = machines.outcomes.filter((outcome) => outcome !== undefined);
  return { outcomes, errors: machines.errors };
}
