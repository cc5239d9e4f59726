import { type Effect, encodeType, type Leaf, type Policy, VmModel } from '../../src/memtype/index.js';
import type { TraceEvent } from '../../src/observe/events.js';
import { isDropped, startEvents, stepEvent } from '../../src/runner/model-events.js';
import type { Recording, StepRecord } from '../../src/runner/recording.js';
import { GUEST_MAXPHYADDR, type Scenario, type Step } from '../../src/scenario/types.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

const INFRA_GFN = 0x1000;

/** The entry that KVM would write for a leaf. */
export function spteOf(leaf: Pick<Leaf, 'gfn' | 'type' | 'ipat'> & { level?: number }): bigint {
  const type = leaf.type === 'none' ? 0 : encodeType(leaf.type);
  const huge = (leaf.level ?? 1) > 1 ? 0x80 : 0;
  return BigInt(leaf.gfn * 0x1000) | BigInt(0xb07 | huge | (type << 3) | (leaf.ipat ? 0x40 : 0));
}

const made = (leaf: Leaf): TraceEvent[] => [
  { kind: 'change', gfn: leaf.gfn, level: leaf.level, old: 0n, new: spteOf(leaf) },
  { kind: 'set', gfn: leaf.gfn, level: leaf.level, spte: spteOf(leaf) },
];
const zapped = (leaf: Leaf): TraceEvent => ({
  kind: 'change',
  gfn: leaf.gfn,
  level: leaf.level,
  old: spteOf(leaf),
  new: 0n,
});

/** Have the host's memory allow what the end of dirty logging may bring: huge leaves, or zaps of small ones. */
export function settle(model: VmModel, effect: Effect, step: Step): TraceEvent[] {
  if (step.do !== 'memslot' || step.backing !== 'huge-ram') return [];
  const merged = effect.mayMerge.flatMap((huge) => [...made(huge), ...model.observeLeaf(huge).map(zapped)]);
  return [
    ...merged,
    ...effect.mayZap.flatMap(({ start, end }) => model.observeZap(start, end - start).map(zapped)),
  ];
}

function record(
  model: VmModel,
  guestView: VmModel,
  scenario: Scenario,
  step: Step,
  index: number,
): StepRecord {
  if (step.do === 'rdmsr') {
    const value = (step.by === 'guest' ? guestView : model).rdmsr(step.vcpu, step.msr);
    return value === undefined
      ? { step: index, ok: false, vector: 13, events: [] }
      : { step: index, ok: true, value, events: [] };
  }
  const event = stepEvent(step, scenario);
  const claimed = 'result' in step && step.result !== undefined ? { result: step.result } : {};
  if (event === undefined) return { step: index, ...claimed, events: [] };
  const effect = (isDropped(step, scenario) ? guestView : model).apply(event);
  const ok = effect.msr === undefined ? effect.cr0 !== 'gp' : effect.msr === 'ok';
  const events = isDropped(step, scenario)
    ? []
    : [...effect.zapped.map(zapped), ...effect.made.flatMap(made), ...settle(model, effect, step)];
  if (step.do === 'virtio' || step.do === 'memslot' || step.do === 'noncoherent')
    return { step: index, result: effect.refused ?? 'ok', events };
  return { step: index, ok, ...(ok ? {} : { vector: 13 }), events };
}

function fetchOwn(model: VmModel, step: Step): TraceEvent[] {
  if (!('vcpu' in step) || ('by' in step && step.by === 'host')) return [];
  return model.apply({ kind: 'access', vcpu: step.vcpu, gfn: INFRA_GFN, access: 'read' }).made.flatMap(made);
}

/** The recording that a kernel of this policy would give, guest's own page included. */
export function simulate(scenario: Scenario, policy: Policy): Ran {
  const model = new VmModel(policy, { vcpus: scenario.vcpus, maxphyaddr: GUEST_MAXPHYADDR });
  for (const event of startEvents(scenario)) model.apply(event);
  const guestView = scenario.msrMode === 'filter-drop' ? model.clone() : model;
  const start = model.apply({ kind: 'access', vcpu: 0, gfn: INFRA_GFN, access: 'read' });
  const steps: StepRecord[] = [{ step: -1, events: start.made.flatMap(made) }];
  scenario.steps.forEach((step, i) => {
    // The guest fetches its own code before it does what the step asks, and again to say that it is done.
    const before = fetchOwn(model, step);
    const seen = record(model, guestView, scenario, step, i);
    steps.push({ ...seen, events: [...before, ...(seen.events ?? []), ...fetchOwn(model, step)] });
  });
  return {
    scenario: scenario.name,
    durationMs: 1,
    outcome: 'ran',
    infra: [{ gfn: INFRA_GFN, npages: 64 }],
    steps,
  };
}
