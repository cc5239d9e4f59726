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
  readonly #planned: number;
  #next = 0;
  #successors = 0;
  /** What ended the last machine that there is: what is left is not begun. */
  #over: Outcome | undefined;

  constructor(
    readonly work: Work,
    readonly request: SessionRequest,
    readonly listener: SessionListener,
  ) {
    const given = request.signal === undefined ? [] : [request.signal];
    this.#signal = AbortSignal.any([this.#failure.signal, ...given]);
    this.#planned = work.lanes.length;
  }

  /** Run one lane after another, until none is left. One agent that cannot be run ends the others. */
  async run(): Promise<void> {
    let gibPage = false;
    try {
      while (this.#next < this.#planned && this.errors.length === 0) {
        const index = this.#next++;
        const lane = this.work.lanes[index] as Lane;
        // Whoever has come to a machine with a page of 1 GiB keeps that.
        gibPage ||= lane.slots.some(({ scenario }) => scenario.needs.includes('gib-pages'));
        if (this.#over === undefined) await this.#run(lane, index, gibPage);
        else this.outcomes[index] = this.#over;
      }
    } catch (error) {
      this.errors.push(error);
      this.#failure.abort();
    }
  }

  /** Run a lane, and those that succeed it. */
  async #run(lane: Lane, index: number, gibPage: boolean): Promise<void> {
    const { recorder } = this.request;
    const run: FollowedRun = {
      ...runOf(this.request, this.listener),
      timeoutMs: this.#left,
      signal: this.#signal,
      gibPage,
      ...(recorder === undefined ? {} : { tap: (line: string) => recorder.line(index, line) }),
    };
    const outcome = await follow(lane, run, (message) => {
      this.work.take(message, lane);
      if (message.type === 'counters' && this.request.counters) this.listener.counters?.(index, message);
    });
    this.outcomes[index] = outcome;
    const next = this.#successorOf(lane, index, outcome);
    if (next !== undefined) await this.#run(next, this.work.lanes.indexOf(next), gibPage);
  }

  /** Milliseconds until the kernel's time is over, in whole seconds. */
  get #left(): number {
    return Math.ceil((this.request.timeoutMs - (Date.now() - this.#started)) / 1000) * 1000;
  }

  #successorOf(lane: Lane, index: number, outcome: Outcome): Lane | undefined {
    const { target, recorder } = this.request;
    if (target.engine === 'host' || lane.death(outcome) === undefined) return undefined;
    const isEnough = this.#successors === MOST_SUCCESSORS || this.#left <= 0;
    if (isEnough || !lane.hasBegun) this.#over = outcome;
    if (isEnough || !lane.leavesWork) return undefined;
    this.#successors++;
    recorder?.succeeded(index);
    return this.work.succeed(index);
  }
}

/** What every machine of a session is told. */
export function runOf(
  { target, virtioType, memslotFlag, counters }: SessionRequest,
  listener: Pick<SessionListener, 'console' | 'warning'>,
): Omit<FollowedRun, 'timeoutMs'> {
  return {
    target,
    spec: {
      ...(virtioType === undefined ? {} : { virtioType }),
      ...(memslotFlag === undefined ? {} : { memslotFlag }),
      ...(counters ? { counters: true } : {}),
    },
    onConsole: (line) => listener.console?.(line),
    onProblem: (text) => listener.warning?.(text),
  };
}

/** Run every lane to its end, on so many machines side by side; `errors` has what kept agents from running, in the order in which it came. */
export async function runMachines(
  work: Work,
  request: SessionRequest,
  listener: SessionListener,
  count = work.lanes.length,
): Promise<{ outcomes: Outcome[]; errors: readonly unknown[] }> {
  const machines = new Machines(work, request, listener);
  await Promise.all(Array.from({ length: count }, () => machines.run()));
  const outcomes = machines.outcomes.filter((outcome) => outcome !== undefined);
  return { outcomes, errors: machines.errors };
}
