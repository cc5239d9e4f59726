import { catalogue } from '../catalogue/index.js';
import { choosePolicy, PROBE_SCENARIOS, type Recorded } from '../check/policy-choice.js';
import { judgeZaps, type ZapResult } from '../check/zap-judge.js';
import { decodeMessage } from '../recording/message-schema.js';
import type { Environment } from '../recording/recording.js';
import type { ZapCase, ZapMeasurement } from '../recording/zaps.js';
import { deathText } from '../report/formats/crash.js';
import type { EngineName } from './engines.js';
import { runAgent } from './engines.js';

/** One kernel to boot VMs on. */
export interface ZapRequest {
  engine: EngineName;
  kernel: string | undefined;
  /** `auto` or a policy's name. */
  policy: string;
  device: string | null;
  cases: readonly ZapCase[];
  timeoutMs: number;
  signal?: AbortSignal;
  progress: (text: string) => void;
}

/** What the boots on one kernel cost. */
export interface ZapSet {
  release: string;
  policy: string;
  results: ZapResult[];
}

/** No zaps could be counted; the message says why. */
export class ZapError extends Error {
  readonly code = 'ZAPS';
}

/** The scenarios that tell the policy. */
const PROBES = catalogue.filter(({ name }) => PROBE_SCENARIOS.includes(name));

/** What an agent has told so far. */
class ZapSession {
  environment: Environment | undefined;
  readonly recorded: Recorded[] = [];
  readonly measurements: ZapMeasurement[] = [];
  failed: string | undefined;

  line(line: string, progress: (text: string) => void): void {
    const message = decodeMessage(line);
    if (message.type === 'environment') this.environment = message.environment;
    else if (message.type === 'failed') this.failed = message.message;
    else if (message.type === 'zaps') {
      this.measurements.push(message.measurement);
      progress(`${message.measurement.vcpus} vCPUs, ${message.measurement.mib} MiB`);
    } else if (message.type === 'recording') {
      const scenario = PROBES.find(({ name }) => name === message.recording.scenario);
      if (scenario !== undefined) this.recorded.push({ scenario, recording: message.recording });
    }
  }
}

/**
 * Boot VMs on one kernel and hold the zaps of each against the model.
 * @throws ZapError if the kernel died or cannot be asked, LabError if the lab could not start
 */
export async function runZaps(request: ZapRequest): Promise<ZapSet> {
  const session = new ZapSession();
  let broken: unknown;
  const outcome = await runAgent({
    engine: request.engine,
    kernel: request.kernel,
    spec: { scenarios: PROBES, device: request.device, zaps: request.cases },
    params: [],
    timeoutMs: request.timeoutMs,
    onLine: (line) => {
      try {
        session.line(line, request.progress);
      } catch (error) {
        broken ??= error;
      }
    },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (session.failed !== undefined) throw new ZapError(session.failed);
  // A machine that died may leave half a line: how it died says more.
  if (outcome.kind !== 'done') throw new ZapError(deathText(outcome));
  if (broken !== undefined) throw broken;
  return finish(session, request);
}

function finish(session: ZapSession, request: ZapRequest): ZapSet {
  const { environment: env, measurements } = session;
  if (env === undefined || measurements.length < request.cases.length) {
    throw new ZapError(`the agent ended after ${measurements.length} of ${request.cases.length} boots`);
  }
  const { policy } = choosePolicy(request.policy, session.recorded, env);
  return {
    release: env.release,
    policy: policy.name,
    results: measurements.map((m) => judgeZaps(m, policy)),
  };
}
