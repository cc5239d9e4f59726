import { readdirSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { NoncoherentDma } from '../dma/index.js';
import { HostMemory, Kvm } from '../kvm/index.js';
import { TraceError } from '../observe/events.js';
import { gcovCounters } from '../observe/gcov-counters.js';
import { KernelLog, openKernelLog } from '../observe/kernel-log.js';
import { SpteObserver } from '../observe/spte-observer.js';
import { findTracefs } from '../observe/tracefs.js';
import { ZapObserver } from '../observe/zap-observer.js';
import type { AgentMessage, Environment, RawRecording } from '../recording/recording.js';
import { type AgentSpec, decodeSpec } from '../recording/spec.js';
import { encodeJson, packText } from '../recording/wire.js';
import type { ZapCase } from '../recording/zaps.js';
import { RAM_SIZE, type Scenario } from '../scenario/types.js';
import type { Bench } from './bench.js';
import { describeEnvironment, pciBarOf } from './environment.js';
import { agentErrorCode, messageOf } from './error-codes.js';
import { execute } from './execute.js';
import { sweepLeftovers } from './leftovers.js';
import { measureZaps } from './measure-zaps.js';
import { GibPage } from './memory/gib-page.js';
import { HugeRam } from './memory/huge-ram.js';
import { Witness } from './vcpu/witness.js';

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

function openObserver(): SpteObserver | undefined {
  const tracefs = findTracefs();
  if (!('root' in tracefs)) return undefined;
  return new SpteObserver(tracefs.root, process.pid);
}

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

/** How the kernel's log is read: a machine of the lab runs our scenario and nothing else. */
const kernelLogOf = (
  log: ReturnType<typeof openKernelLog>,
  spec: AgentSpec,
): NonNullable<Environment['kernelLog']> => {
  if (!(log instanceof KernelLog)) return log;
  return spec.device === 'lab' ? 'own' : 'shared';
};

/** What machines were found to be, by what was asked: one that is given more to do has not changed since, and to look again takes long. */
type Found = Map<string, Environment>;

const askedOf = ({ device, params, virtioType, memslotFlag }: AgentSpec): string =>
  encodeJson([device, params, virtioType, memslotFlag]);

/** What one job leaves to the next: memory, which the kernel clears when it is first touched, and what machine this is. */
class Kept implements Disposable {
  readonly ram = HostMemory.memfd(RAM_SIZE);
  readonly hugeRam = new HugeRam(RAM_SIZE);
  readonly found: Found = new Map();

  [Symbol.dispose](): void {
    this.hugeRam[Symbol.dispose]();
    this.ram[Symbol.dispose]();
  }
}

/** Open everything else, run the scenarios of `spec`, stream each recording, and put that back. */
function work(spec: AgentSpec, gib: GibPage, { ram, hugeRam, found }: Kept, send: Send): void {
  using kvm = Kvm.open();
  using witness = spec.witness && new Witness(spec.witness);
  for (const problem of sweepLeftovers()) process.stderr.write(`${problem}\n`);
  const dma = new NoncoherentDma({ kvm, ...spec });
  const opened = openKernelLog();
  const log = opened instanceof KernelLog ? opened : undefined;
  let observer: SpteObserver | undefined;
  try {
    const kernelLog = kernelLogOf(opened, spec);
    const asked = askedOf(spec);
    const machine = found.get(asked) ?? describeEnvironment(kvm, dma, spec.params, gib);
    found.set(asked, machine);
    const environment = {
      ...machine,
      kernelLog,
      ...(witness && { witness: true }),
    };
    send({ type: 'environment', environment });
    observer = environment.paging === 'shadow' ? undefined : openObserver();
    const pciBar = dma.device === undefined ? undefined : pciBarOf(dma.device);
    const bench = {
      kvm,
      environment,
      ram,
      hugeRam,
      gib,
      observer,
      dma,
      log,
      pciBar,
      witness,
    };
    runAll(spec.scenarios, bench, send);
    observer?.close(); // tracing leaves would be counted as time in zaps
    if (spec.zaps !== undefined) countZaps(kvm, dma, spec.zaps, send);
    if (spec.counters) sendCounters(send);
    send({ type: 'end', count: spec.scenarios.length });
  } finally {
    observer?.close();
    log?.close();
    dma.close();
  }
}

/** Nobody is told, and nothing is kept: what is not in use costs a saved machine nothing. */
function workAlone(spec: AgentSpec, gib: GibPage): void {
  using kept = new Kept();
  work(spec, gib, kept, encodeJson);
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

/**
 * Entry of the agent process, in the lab and on the host.
 *
 * Exit status: 0 done, 2 could not start (a `failed` message says why).
 */
export function agentMain({ read, warmUp, next }: Jobs): number {
  using gib = new GibPage();
  try {
    if (warmUp !== undefined) {
      workAlone(decodeSpec(warmUp.read()), gib);
      gib.takeAhead(); // so that the kernel clears it but once for a machine that is saved
      warmUp.done();
    }
    using kept = new Kept();
    for (let text = read(); ; ) {
      const spec = decodeSpec(text);
      work(spec, gib, kept, send);
      if (spec.next === undefined) return 0;
      text = next(spec.next);
    }
  } catch (error) {
    send({ type: 'failed', code: agentErrorCode(error), message: messageOf(error) });
    return 2;
  }
}
