import { hostname } from 'node:os';
import type { Job, Processor, Worker } from 'bullmq';
import { CampaignError } from '../errors.js';
import { Duty } from './duty.js';
import { Gate, SharedSlot } from './gate.js';
import { JobServer, type ServeOptions } from './job-server.js';
import { renderWorkerMetrics, serveMetrics } from './metrics.js';
import { prove } from './proof.js';
import { type Label, onHost, type Payload, queueName, type Reply, slotsIn } from './protocol.js';
import { openServer } from './server/open.js';
import type { QueueServer } from './server/types.js';
import { WorkerTally } from './tally.js';

/** How a worker works. */
export interface WorkerOptions extends Omit<ServeOptions, 'onTrouble' | 'slotCount'> {
  url: string;
  labels: readonly Label[];
  /** Jobs of each label at a time. */
  slots: Readonly<Record<Label, number>>;
  /** Whether it has to prove itself before it takes jobs. */
  proves: boolean;
  /** Version and revision of this program. */
  tool: string;
  /** Seconds after which a worker that tells nothing is taken for dead. */
  lockSeconds: number;
  tell: (text: string) => void;
  /** Where metrics are to be had on this machine; nowhere if not given. */
  metricsPort?: number | undefined;
}

/** A job that takes so many workers along and one more is set aside. */
const MOST_STALLS = 2;
/** An error that goes on is told of so often. */
const SAME_ERROR_MS = 60_000;

/**
 * Do the jobs of the queue until the signal says otherwise. Jobs that run then go back into the queue.
 * @throws CampaignError CAMPAIGN_QUEUE, CAMPAIGN_PROOF: it does not give the verdicts that are known
 */
export async function work(o: WorkerOptions): Promise<void> {
  const tally = new WorkerTally();
  const { labels, cache, proves, signal, tell } = o;
  const slots = slotsIn(labels, o.slots);
  const restMs = o.lockSeconds * 1000;
  const duty = new Duty({
    prove: () => prove({ labels, cache, tries: proves, signal }),
    restMs,
    signal,
    tell,
  });
  const server = await openServer(o.url);
  const metrics =
    o.metricsPort === undefined
      ? undefined
      : await serveMetrics(o.metricsPort, () => renderWorkerMetrics({ tally, slots, trouble: duty.trouble }));
  const jobs = new JobServer({ ...o, slotCount: slots, onTrouble: duty.rest }, server, tally);
  try {
    await proveAtFirst(o);
    const shared = onHost(labels);
    const host = shared.length > 1 ? new SharedSlot() : undefined;
    for (const label of labels) {
      const slot = shared.includes(label) ? host : undefined;
      const serve = (job: Job, token?: string, lost?: AbortSignal): Promise<Reply> => {
        const act = () => jobs.serve(job, token, lost);
        return slot === undefined ? act() : slot.use(gate, { queued: job, token }, act);
      };
      const concurrency = slot === undefined ? o.slots[label] : 1;
      const gate: Gate = new Gate(workerFor(label, o, { serve, concurrency }, server));
      duty.add(gate);
      slot?.add(gate);
    }
    tell(`waits for jobs of ${labels.join(', ')} at ${server.address}`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await duty.end();
  } finally {
    metrics?.close();
    jobs.close();
    await server.close();
  }
}

async function proveAtFirst({ labels, cache, proves, signal, tell }: WorkerOptions): Promise<void> {
  if (proves) tell('proves itself');
  const why = await prove({ labels, cache, tries: proves, signal });
  if (why !== undefined) throw new CampaignError('CAMPAIGN_PROOF', `this worker gets no jobs: ${why}`);
}

function workerFor(
  label: Label,
  o: WorkerOptions,
  { serve, concurrency }: { serve: Processor<Payload, Reply>; concurrency: number },
  server: QueueServer,
): Worker {
  const lockMs = o.lockSeconds * 1000;
  const worker = server.worker(queueName(label, o.tool), serve, {
    name: hostname(),
    concurrency,
    lockDuration: lockMs,
    stalledInterval: lockMs,
    maxStalledCount: MOST_STALLS,
  });
  worker.on('error', teller(o.tell));
  worker.on('active', ({ name }) => o.tell(`${name} begins`));
  worker.on('stalled', (id) => o.tell(`job ${id.slice(0, 24)} is taken over: its worker was lost`));
  worker.on('completed', ({ name }) => o.tell(`${name} is done`));
  return worker;
}

/** Tells of errors, but not of the same one all the time. */
function teller(tell: (text: string) => void): (error: Error) => void {
  let last = { text: '', at: 0 };
  return ({ message }) => {
    const text = message.replace(/\s+/g, ' ');
    if (text === last.text && Date.now() - last.at < SAME_ERROR_MS) return;
    last = { text, at: Date.now() };
    tell(`the queue: ${text}`);
  };
}
