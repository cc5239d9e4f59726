import type { Loss } from '../store/records.js';

/** What a worker has done since it began, for its metrics. */
export class WorkerTally {
  running = 0;
  results = 0;
  /** Jobs that came to no result here, by why. */
  readonly losses = new Map<Loss, number>();
  /** Time that jobs took, in seconds. */
  busy = 0;
  cacheBytes = 0;

  begun(): void {
    this.running++;
  }

  /** @param how undefined if it went back into the queue, or its lock was lost */
  ended(how: 'result' | Loss | undefined, seconds: number): void {
    this.running--;
    this.busy += seconds;
    if (how === 'result') this.results++;
    else if (how !== undefined) this.losses.set(how, (this.losses.get(how) ?? 0) + 1);
  }

  cached(bytes: number): void {
    this.cacheBytes = bytes;
  }
}
