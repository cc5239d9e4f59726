import { type Effect, type Policy, VmModel } from '../memtype/index.js';
import { Replay } from '../scenario/replay.js';
import type { Scenario } from '../scenario/types.js';
import { History } from './history.js';
import type { Moment } from './moment.js';

/** Memory in huge pages: what may go or come at the end of a log does. */
function settle(model: VmModel, { mayMerge, mayZap }: Effect): void {
  for (const huge of mayMerge) model.observeLeaf(huge);
  for (const { start, end } of mayZap) model.observeZap(start, end - start);
}

/** The moments that a scenario meets on a kernel of a policy, by the model alone. Look at each before the next is taken. */
export function* plannedMoments(scenario: Scenario, policy: Policy): Generator<Moment> {
  const { vcpus, maxphyaddr, steps } = scenario;
  const model = new VmModel(policy, { vcpus, maxphyaddr });
  const replay = new Replay(scenario, policy);
  for (const event of replay.start) model.apply(event);
  const history = new History();
  for (const step of steps) {
    const taken = replay.next(step);
    const { event, dropped } = taken;
    const effect = event === undefined || dropped ? undefined : model.apply(event);
    const isHuge = step.do === 'memslot' && (step.backing === 'huge-ram' || step.backing === 'gib-ram');
    if (isHuge && effect !== undefined) settle(model, effect);
    const moment = history.take({ step, taken, effect, model });
    if (moment !== undefined) yield moment;
  }
}
