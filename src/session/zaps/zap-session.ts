import { catalogue } from '../../catalogue/index.js';
import { choosePolicy } from '../../check/policy-choice.js';
import { judgeZaps, type ZapResult } from '../../check/zap-judge.js';
import type { Environment, Recording } from '../../recording/recording.js';
import type { ZapCase } from '../../recording/zaps.js';
import { deathText } from '../../report/formats/crash.js';
import { follow } from '../follow.js';
import { Lane } from '../lane.js';
import { slotsFor } from '../slots.js';
import type { Target } from '../target.js';

/** One kernel to boot VMs on. */
export interface ZapRequest {
  target: Target;
  /** `auto` or a policy's name. */
  policy: string;
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
class ZapError extends Error {
  readonly code = 'ZAPS';
}

/**
 * Boot VMs on one kernel and hold the zaps of each against the model.
 * @throws ZapError if the kernel died or cannot be asked, LabError if the lab could not start
 */
export async function runZaps(request: ZapRequest): Promise<ZapSet> {
  const { target, timeoutMs, cases, signal, progress } = request;
  const lane = new Lane(slotsFor({ scenarios: [], catalogue, policy: 'auto', repeat: 1 }), cases);
  const run = { target, timeoutMs, ...(signal === undefined ? {} : { signal }) };
  const outcome = await follow(lane, run, (message) => {
    if (message.type === 'zaps')
      progress(`${message.measurement.vcpus} vCPUs, ${message.measurement.mib} MiB`);
  });
  const failed = lane.whyNotStarted(outcome);
  if (failed !== undefined) throw new ZapError(failed.message, { cause: failed });
  const death = lane.death(outcome);
  if (death !== undefined) throw new ZapError(deathText(death));
  return judged(lane, request.policy);
}

function judged({ environment, slots, measurements }: Lane, forced: string): ZapSet {
  const env = environment as Environment;
  const recorded = slots.map(({ scenario, recording }) => ({ scenario, recording: recording as Recording }));
  const { policy } = choosePolicy(forced, recorded, env);
  return {
    release: env.release,
    policy: policy.name,
    results: measurements.map((m) => judgeZaps(m, policy)),
  };
}
