import { PROBE_SCENARIOS } from '../check/policy-choice.js';
import type { Plan, Slot } from './lane.js';
import { deal, laneCount } from './lanes.js';
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

/** Share the scenarios out to machines. Those that need a page of 1 GiB go to one, which alone has the RAM for it. */
export function planOf(request: SessionRequest): Plan {
  const slots = slotsFor(request);
  const lanes = deal(
    slots.filter((slot) => !needsGib(slot)),
    laneCount(request.target.engine, slots.length),
  );
  lanes.at(-1)?.push(...slots.filter(needsGib));
  return { slots, lanes };
}
