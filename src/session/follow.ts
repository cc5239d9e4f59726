import type { AgentMessage } from '../recording/recording.js';
import type { AgentSpec } from '../recording/spec.js';
import { type AgentRun, canWait, runAgent } from './engines.js';
import { Lane } from './lane.js';
import type { Outcome } from './outcome.js';
import { deviceOf, paramsOf } from './target.js';

/** How a lane's agent is to be run. */
export interface FollowedRun extends Omit<AgentRun, 'spec' | 'onLine'> {
  /** What the agent is to be told beside what its lane and its target say. */
  spec?: Pick<AgentSpec, 'virtioType' | 'memslotFlag' | 'counters'>;
  /** Given each line as the agent printed it. */
  tap?: (line: string) => void;
}

const specOf = (lane: Lane, { target, spec }: FollowedRun): AgentSpec => ({
  scenarios: lane.slots.map(({ scenario }) => scenario),
  device: deviceOf(target),
  params: paramsOf(target).map((param) => param.replace(/=.*/s, '')),
  ...(lane.cases.length > 0 ? { zaps: lane.cases } : {}),
  ...spec,
});

/** Whether the machine of such a run comes back for more. */
export const comesBack = (run: FollowedRun): Promise<boolean> =>
  canWait({ ...run, spec: specOf(new Lane([]), run), onLine: () => {} });

/**
 * Run an agent that does what `lane` has to do, and have the lane take in what it sends.
 *
 * @param onMessage called for each message once the lane has it; what it throws is thrown when the agent has ended
 * @throws LabError if the lab could not start
 */
export async function follow(
  lane: Lane,
  run: FollowedRun,
  onMessage: (message: AgentMessage) => void,
): Promise<Outcome> {
  const errors: unknown[] = [];
  const outcome = await runAgent({
    ...run,
    spec: specOf(lane, run),
    onLine: (line) => {
      try {
        run.tap?.(line);
        const message = lane.take(line);
        if (message !== undefined) onMessage(message);
      } catch (error) {
        errors.push(error);
      }
    },
  });
  if (errors.length > 0) throw errors[0];
  return outcome;
}
