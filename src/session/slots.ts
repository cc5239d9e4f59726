import { PROBE_SCENARIOS } from '../check/policy-choice.js';
import type { Plan, Slot } from './lane.js';
import { deal, laneCount, sharesOf } from './lanes.js';
import type { SessionRequest } from './request.js';

/** The scenarios to run: those that tell the policy first, unless a policy was forced. */
export function slotsFor({
  scenarios,
  catalogue,
  policy,
  probes = PROBE_SCENARIOS,
  repeat,
}: Pick<SessionRequest, 'scenarios' | 'catalogue' | 'policy' | 'probes' | 'repeat'>): Slot[] {
  const rounds = Array.from({ length: repeat }, (_, i) => i + 1);
  const wanted = rounds.flatMap((round) =>
    scenarios.map((scenario): Slot => ({ scenario, wanted: true, round })),
  );
  if (policy !== 'auto') return wanted;
  const tells = ({ scenario, round }: Slot): boolean => round === 1 && probes.includes(scenario.name);
  const others = catalogue
    .filter((scenario) => probes.includes(scenario.name) && !scenarios.includes(scenario))
    .map((scenario): Slot => ({ scenario, wanted: false, round: 1 }));
  return [...others, ...wanted.filter(tells), ...wanted.filter((slot) => !tells(slot))];
}

const needsGib = ({ scenario }: Slot): boolean => scenario.needs.includes('gib-pages');

/** As long as so many other scenarios it takes to clear a page of 1 GiB, which the first that needs it does; in a saved machine it is clear. */
const CLEARING = 20;

/**
 * Share the scenarios out to machines; a single one does them in their order, so that each result comes when it is there. Those that need
 * a page of 1 GiB go to one, which alone has the RAM for it, and the fewer others.
 *
 * @param canWait whether machines come back for more: then there are more shares than machines, and who is done takes the next
 */
export function planOf(request: SessionRequest, canWait = false): Plan {
  const slots = slotsFor(request);
  const count = laneCount(request.target.engine, slots.length);
  if (count === 1) return { slots, lanes: [slots] };
  const [gib, others] = [slots.filter(needsGib), slots.filter((slot) => !needsGib(slot))];
  if (canWait) {
    const [first = [], ...shares] = sharesOf(others, count);
    return { slots, lanes: [first, ...(gib.length > 0 ? [gib] : []), ...shares], machines: count };
  }
  const { target } = request;
  const isClear = target.engine !== 'host' && target.snapshot === true;
  const ahead = gib.length > 0 && !isClear ? CLEARING * (count - 1) : 0;
  const shared = Math.max(others.length - ahead, 0);
  const lanes = deal(others.slice(0, shared), count);
  const more = deal(others.slice(shared), count - 1);
  for (const [i, some] of more.entries()) lanes[i]?.push(...some);
  lanes.at(-1)?.push(...gib);
  return { slots, lanes };
}
