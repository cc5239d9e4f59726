import { cr0With } from '../../scenario/bits.js';
import { lanesOf, randomNumbers } from '../../scenario/lanes.js';
import type { LaneStep, TogetherStep } from '../../scenario/types.js';
import type { PlannedStep } from '../plan.js';
import type { Uses } from './uses.js';
import { call, hex } from './words.js';
import type { Writing } from './writing.js';

const MOST_PAUSES = 100_000;
const MOST_MICROSECONDS = 5000;

type GuestStep = Extract<LaneStep, { vcpu: number }>;

function commandOf(step: GuestStep, uses: Uses): string {
  uses.op(`op_${{ wrmsr: 'wrmsr', cd: 'cr0', access: 'read' }[step.do]}`);
  if (step.do === 'wrmsr') return `op_wrmsr, ${hex(step.msr)}, ${hex(step.value)}`;
  if (step.do === 'cd') return `op_cr0, ${hex(cr0With(step.on))}, 0`;
  return `op_read, ${hex((BigInt(step.pat) << 36n) | step.gpa)}, 0`;
}

const isRefused = ({ effect }: PlannedStep): boolean =>
  effect?.cr0 === 'gp' ||
  (effect?.msrs ?? []).some((answer) => typeof answer === 'string' && answer !== 'ok');

/** Steps at the same time: each vCPU's on a thread of its own, those of the host in between. */
export function togetherLines(
  planned: PlannedStep & { step: TogetherStep },
  w: Writing,
  linesOf: (part: PlannedStep) => string[],
): string[] {
  const { step, parts = [] } = planned;
  const random = randomNumbers(step.seed);
  const waits = step.steps.map(() => random());
  const lanes = lanesOf(step);
  const guests = lanes.filter(({ owner }) => owner !== 'vmm');
  w.uses.add('lanes');
  const names = guests.map(({ owner, steps }) => {
    const name = `step_${w.at}_vcpu_${owner}`;
    const rows = steps.map(({ step: one, at }) => {
      const pauses = Math.floor((waits[at] ?? 0) * MOST_PAUSES);
      const vector = isRefused(parts[at] as PlannedStep) ? 13 : -1;
      return `\t{ ${pauses}, ${commandOf(one as GuestStep, w.uses)}, ${vector} },`;
    });
    w.tables.push(`static const struct lane_step ${name}[] = {\n${rows.join('\n')}\n};`);
    return name;
  });
  const count = String(guests.length);
  const table = `step_${w.at}_lanes`;
  const rows = guests.map(
    ({ owner, steps }, i) => `\t{ .id = ${owner}, .count = ${steps.length}, .steps = ${names[i]} },`,
  );
  w.tables.push(`static struct lane ${table}[] = {\n${rows.join('\n')}\n};`);
  const host = lanes.find(({ owner }) => owner === 'vmm');
  return [
    ...call('start_lanes', [table, count]),
    ...(host?.steps ?? []).flatMap(({ at }) => [
      ...call('usleep', [String(Math.floor((waits[at] ?? 0) * MOST_MICROSECONDS))]),
      ...linesOf(parts[at] as PlannedStep),
    ]),
    ...call('end_lanes', [table, count]),
  ];
}
