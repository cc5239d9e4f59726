import type { AgentMessage } from '../../recording/recording.js';
import type { Lane } from '../lane.js';

/** How long things took, by this machine's clock. */
export interface Times {
  /** Until the first scenario began. */
  startMs: number;
  /** By name. */
  scenarios: Readonly<Record<string, number>>;
}

/** What must have been done for its pace to tell of the rest. */
const ENOUGH_MS = 2_000;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Measures what the scenarios of a session take and, from what they took in the last run, tells how long the rest will. */
export class Forecast {
  readonly #began: number;
  /** Since when each lane has been at what it is at; it is not there before its first scenario. */
  readonly #since = new Map<Lane, number>();
  readonly #measured: Record<string, number> = {};
  readonly #usual: number;
  #startMs = 0;
  /** What is done: how long it took, and how long it was to take. */
  #done = { ms: 0, expectedMs: 0 };

  constructor(
    readonly lanes: readonly Lane[],
    readonly last: Times | undefined,
    /** How many machines there are for the lanes, if not one for each. */
    readonly machines: number | undefined = undefined,
    readonly now: () => number = Date.now,
  ) {
    this.#began = now();
    this.#usual = median(Object.values(last?.scenarios ?? {}));
  }

  take(message: AgentMessage, lane: Lane): void {
    const now = this.now();
    if (message.type === 'started' && !this.#since.has(lane)) {
      this.#startMs = Math.max(this.#startMs, now - this.#began);
      this.#since.set(lane, now);
    }
    const since = this.#since.get(lane);
    if (message.type !== 'recording' || since === undefined) return;
    const { scenario } = message.recording;
    this.#measured[scenario] = now - since;
    this.#done.ms += now - since;
    this.#done.expectedMs += this.#expected(scenario);
    this.#since.set(lane, now);
  }

  #expected(scenario: string): number {
    return this.last?.scenarios[scenario] ?? this.#usual;
  }

  /** Milliseconds until the last machine is through; undefined where nothing is known of a run before. */
  left(): number | undefined {
    if (this.last === undefined) return undefined;
    const { ms, expectedMs } = this.#done;
    const pace = expectedMs >= ENOUGH_MS ? ms / expectedMs : 1;
    const left = this.lanes.map((lane) => this.#leftOf(lane, pace));
    if (this.machines === undefined)
      return Math.max(...left.map((ms, i) => ms + this.#startOf(this.lanes[i] as Lane)));
    const start = this.#since.size === 0 ? Math.max(...this.lanes.map((lane) => this.#startOf(lane))) : 0;
    return start + left.reduce((sum, ms) => sum + ms, 0) / this.machines;
  }

  #startOf(lane: Lane): number {
    if (this.#since.has(lane)) return 0;
    return Math.max(0, (this.last?.startMs ?? 0) - (this.now() - this.#began));
  }

  #leftOf(lane: Lane, pace: number): number {
    const open = lane.slots.filter(({ recording }) => recording === undefined);
    const each = open.map(({ scenario }) => this.#expected(scenario.name) * pace);
    const sum = each.reduce((total, one) => total + one, 0);
    const since = this.#since.get(lane);
    return since === undefined ? sum : sum - Math.min(this.now() - since, each[0] ?? 0);
  }

  /** What was measured; undefined where no scenario came to its end. */
  times(): Times | undefined {
    if (Object.keys(this.#measured).length === 0) return undefined;
    return { startMs: this.#startMs, scenarios: { ...this.#measured } };
  }
}
