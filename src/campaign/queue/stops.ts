import type { QueueServer } from './server/types.js';

/** What is known of a run is asked for anew so often: by then its jobs are stopped. */
const POLL_MS = 1_000;

interface Known {
  isStopped: boolean;
  at: number;
}

/** Which runs of campaigns are stopped. It is asked for, not told of: what is told while the server is away is lost. */
export class Stops {
  readonly #known = new Map<string, Known>();
  /** What runs, by the key of its campaign's run. */
  readonly #running = new Map<AbortController, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly server: Pick<QueueServer, 'isStopped'>) {
    this.#timer = setInterval(() => void this.#poll().catch(() => {}), POLL_MS);
  }

  /** Something of a run begins; the controller is aborted when the run is stopped. */
  add(controller: AbortController, run: string): void {
    this.#running.set(controller, run);
  }

  remove(controller: AbortController): void {
    this.#running.delete(controller);
  }

  async isStopped(run: string): Promise<boolean> {
    const known = this.#known.get(run);
    if (known !== undefined && Date.now() - known.at < POLL_MS) return known.isStopped;
    const at = Date.now();
    const isStopped = await this.server.isStopped(run);
    this.#known.set(run, { isStopped, at });
    return isStopped;
  }

  async #poll(): Promise<void> {
    for (const run of new Set(this.#running.values())) {
      if (!(await this.isStopped(run))) continue;
      for (const [controller, own] of this.#running) if (own === run) controller.abort(new Error('stopped'));
    }
    for (const [run, { at }] of this.#known) if (Date.now() - at > POLL_MS) this.#known.delete(run);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
