import { readdirSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { NoncoherentDma } from '../dma/index.js';
import type { Kvm } from '../kvm/index.js';
import { TraceError } from '../observe/events.js';
import { gcovCounters } from '../observe/gcov-counters.js';
import { findTracefs } from '../observe/tracefs.js';
import { ZapObserver } from '../observe/zap-observer.js';
import type { AgentMessage, RawRecording } from '../recording/recording.js';
import { type AgentSpec, decodeSpec } from '../recording/spec.js';
import { encodeJson, packText } from '../recording/wire.js';
import type { ZapCase } from '../recording/zaps.js';
import type { Scenario } from '../scenario/types.js';
import { type Bench, OpenBench } from './bench.js';
import { agentErrorCode, messageOf } from './error-codes.js';
import { execute } from './execute.js';
import { measureZaps } from './measure-zaps.js';
import { GibPage } from './memory/gib-page.js';

const STDOUT = 1;

type Send = (message: AgentMessage<RawRecording>) => void;

/** Write a whole line to standard output before going on, also when the pipe is full. */
const send: Send = (message) => {
  let bytes = Buffer.from(`${encodeJson(message)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(STDOUT, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
};

function runAll(scenarios: readonly Scenario[], bench: Bench, send: Send): void {
  for (const scenario of scenarios) {
    send({ type: 'started', scenario: scenario.name });
    send({ type: 'recording', recording: execute(scenario, bench) });
  }
}

/**
 * Keep V8's own threads from running inside a zap: on the lab's one processor their time would be counted. Raising our own priority
 * takes root, which the tracing has taken already.
 */
function goFirst(): void {
  const { PRIORITY_HIGHEST, PRIORITY_LOW } = constants.priority;
  for (const tid of readdirSync('/proc/self/task').map(Number))
    setPriority(tid, tid === process.pid ? PRIORITY_HIGHEST : PRIORITY_LOW);
}

function countZaps(kvm: Kvm, dma: NoncoherentDma, cases: readonly ZapCase[], send: Send): void {
  const tracefs = findTracefs();
  if (!('root' in tracefs)) throw new TraceError(`${tracefs.reason}: ${tracefs.lift}`);
  using observer = new ZapObserver(tracefs.root, process.pid);
  goFirst();
  for (const zapCase of cases)
    send({ type: 'zaps', measurement: measureZaps({ kvm, dma, observer }, zapCase) });
}

function sendCounters(send: Send): void {
  for (const { name, bytes } of gcovCounters()) send({ type: 'counters', name, data: packText(bytes) });
}

/** Run the scenarios of `spec`, and stream each recording. */
function work(spec: AgentSpec, open: OpenBench, send: Send): void {
  send({ type: 'environment', environment: open.environment });
  runAll(spec.scenarios, open.bench(), send);
  if (spec.zaps !== undefined) {
    open.endTracing(); // Tracing leaves would be counted as time in zaps.
    countZaps(open.kvm, open.dma, spec.zaps, send);
  }
  if (spec.counters) sendCounters(send);
  send({ type: 'end', count: spec.scenarios.length });
}

/** Tell nobody, and put everything back but the page of 1 GiB: what is not in use costs a saved machine nothing. */
function warmUpBy(spec: AgentSpec, gib: GibPage): void {
  using open = new OpenBench(spec, gib);
  work(spec, open, encodeJson);
}

/** What to do for a start, and whom to tell when that is done. */
interface WarmUp {
  read: () => string;
  done: () => void;
}

/** Where an agent has what it is to do from. */
export interface Jobs {
  /** Gives the spec. */
  read: () => string;
  /** Done before that, so that V8 has compiled what it takes; nobody is told what came of it. */
  warmUp?: WarmUp;
  /** Waits for another spec, where the last one says that there will be more. */
  next: (place: NonNullable<AgentSpec['next']>) => string;
}

/** Do one job after another, as long as each says that there will be more; give everything back but the page of 1 GiB. */
function workOff(first: string, next: Jobs['next'], gib: GibPage): void {
  let open: OpenBench | undefined;
  try {
    for (let text = first; ; ) {
      const spec = decodeSpec(text);
      if (!open?.serves(spec)) {
        open?.[Symbol.dispose]();
        open = new OpenBench(spec, gib);
      }
      work(spec, open, send);
      if (spec.next === undefined) return;
      text = next(spec.next);
    }
  } finally {
    open?.[Symbol.dispose]();
  }
}

/**
 * Entry of the agent process, in the lab and on the host.
 *
 * Exit status: 0 done, 2 could not start (a `failed` message says why).
 */
export function agentMain({ read, warmUp, next }: Jobs): number {
  using gib = new GibPage();
  try {
    if (warmUp !== undefined) {
      warmUpBy(decodeSpec(warmUp.read()), gib);
      gib.takeAhead(); // so that the kernel clears it but once for a machine that is saved
      warmUp.done();
    }
    workOff(read(), next, gib);
    return 0;
  } catch (error) {
    send({ type: 'failed', code: agentErrorCode(error), message: messageOf(error) });
    return 2;
  }
}
