import { type Job as QueuedJob, WaitingError, type Worker } from 'bullmq';

/** Has a worker of BullMQ take jobs while nothing speaks against it: what shuts it may do so at the same time as others. */
export class Gate {
  readonly #reasons = new Set<object>();

  constructor(private readonly worker: Pick<Worker, 'pause' | 'resume' | 'close'>) {}

  /** Take no more jobs. Those that run go on. */
  async shut(reason: object): Promise<void> {
    this.#reasons.add(reason);
    await this.worker.pause(true);
  }

  open(reason: object): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.worker.resume();
  }

  close(): Promise<void> {
    return this.worker.close();
  }
}

/**
 * The one job at a time that a machine's own KVM does, of whatever label: two there would see each other's warnings in the kernel's log.
 * The queues of the other labels are left alone meanwhile.
 */
export class SharedSlot {
  readonly #gates: Gate[] = [];
  #isTaken = false;

  add(gate: Gate): void {
    this.#gates.push(gate);
  }

  /**
   * Do a job, or give it back to its queue: a worker may have asked for it just before another job began.
   * @param own the gate of the worker that has it
   * @throws WaitingError it was given back
   */
  async use<T>(
    own: Gate,
    { queued, token }: { queued: Pick<QueuedJob, 'moveToWait'>; token: string | undefined },
    act: () => Promise<T>,
  ): Promise<T> {
    if (this.#isTaken) {
      await queued.moveToWait(token);
      throw new WaitingError();
    }
    this.#isTaken = true;
    try {
      const others = this.#gates.filter((gate) => gate !== own);
      await Promise.all(others.map((gate) => gate.shut(this)));
      return await act();
    } finally {
      this.#isTaken = false;
      for (const gate of this.#gates) gate.open(this);
    }
  }
}
