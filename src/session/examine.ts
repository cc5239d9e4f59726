import type { Environment } from '../recording/recording.js';
import { deathText } from '../report/formats/crash.js';
import type { AgentRun } from './engines.js';
import { follow } from './follow.js';
import { AgentError, Lane } from './lane.js';
import type { Target } from './target.js';

/**
 * Ask an agent what its machine's KVM can do; it runs nothing.
 * @throws AgentError if it could not start or died, LabError if the lab could not start
 */
export async function examine(
  target: Target,
  run: Pick<AgentRun, 'timeoutMs' | 'signal' | 'onConsole' | 'onProblem'>,
): Promise<Environment> {
  const lane = new Lane([]);
  const outcome = await follow(lane, { target, ...run }, () => {});
  const failed = lane.whyNotStarted(outcome);
  if (failed !== undefined) throw failed;
  const death = lane.death(outcome);
  if (death !== undefined || lane.environment === undefined)
    throw new AgentError('INTERNAL', death === undefined ? 'the agent told nothing' : deathText(death));
  return lane.environment;
}
