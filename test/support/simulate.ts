import { cr0AfterInit, START_AFTER_INIT, startAfterSipi } from '../../src/arch/cr0.js';
import { MT } from '../../src/arch/memory-types.js';
import { answeringKernel } from '../../src/check/steps/answer-judge.js';
import { Contents } from '../../src/check/steps/contents.js';
import {
  type Effect,
  ERRATA,
  expectedAnswer,
  type Leaf,
  type Policy,
  VmModel,
} from '../../src/memtype/index.js';
import type { TraceEvent } from '../../src/observe/events.js';
import type { KernelLogRecord } from '../../src/recording/kernel-log.js';
import type { Recording, StepRecord } from '../../src/recording/recording.js';
import { cr0With } from '../../src/scenario/bits.js';
import { Replay, type Taken } from '../../src/scenario/replay.js';
import type { AskStep, Scenario, Step, TogetherStep } from '../../src/scenario/types.js';
import { environmentOf } from './environment.js';
import { exitsOf, ofOne, outcome, resultOf } from './simulate-msrs.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

const INFRA_GFN = 0x1000;
/** An entry that points to a table of smaller leaves. */
const TABLE = 0x907n;

/** The entry that KVM would write for a leaf. */
export function spteOf(
  leaf: Pick<Leaf, 'gfn' | 'type' | 'ipat'> & Partial<Pick<Leaf, 'level' | 'writable'>>,
): bigint {
  const type = leaf.type === 'none' ? 0 : MT[leaf.type];
  const huge = (leaf.level ?? 1) > 1 ? 0x80 : 0;
  return (
    BigInt(leaf.gfn * 0x1000) |
    BigInt((leaf.writable === false ? 0xb05 : 0xb07) | huge | (type << 3) | (leaf.ipat ? 0x40 : 0))
  );
}

const made = (leaf: Leaf): TraceEvent[] => [
  { kind: 'change', gfn: leaf.gfn, level: leaf.level, old: 0n, new: spteOf(leaf) },
  { kind: 'set', gfn: leaf.gfn, level: leaf.level, spte: spteOf(leaf) },
];
/** What KVM tells of a leaf that it makes anew in its place, even if it is as it was but for its accessed bit. */
const remade = (old: Leaf, leaf: Leaf): TraceEvent[] => [
  { kind: 'change', gfn: leaf.gfn, level: leaf.level, old: spteOf(old), new: spteOf(leaf) },
  { kind: 'set', gfn: leaf.gfn, level: leaf.level, spte: spteOf(leaf) },
];
/** What KVM tells of a leaf of L2. */
const shadowMade = ({ gfn, level, ...leaf }: Leaf): TraceEvent => ({
  kind: 'set',
  gfn,
  level,
  spte: spteOf({ gfn, level, ...leaf }),
});
const zapped = (leaf: Leaf): TraceEvent => ({
  kind: 'change',
  gfn: leaf.gfn,
  level: leaf.level,
  old: spteOf(leaf),
  new: 0n,
});

/** What KVM tells of a huge leaf that it splits: a table takes its place, and nothing is told of the small ones. */
const splitUp = (huge: Leaf): TraceEvent => ({
  kind: 'change',
  gfn: huge.gfn,
  level: huge.level,
  old: spteOf(huge),
  new: TABLE,
});

const readOnlyGfns = (model: VmModel): number[] =>
  model
    .leaves()
    .filter(({ writable }) => !writable)
    .map(({ gfn }) => gfn);

/** What KVM tells of the leaves that a log protects; `before` are those that were protected already. */
const protectedAgain = ({ mayRewrite }: Effect, model: VmModel, before: ReadonlySet<number>): TraceEvent[] =>
  mayRewrite
    .flatMap((range) => model.leavesWithin(range))
    .filter(({ writable, gfn }) => !writable && !before.has(gfn))
    .map((leaf) => ({
      kind: 'change',
      gfn: leaf.gfn,
      level: leaf.level,
      old: spteOf({ ...leaf, writable: true }),
      new: spteOf(leaf),
    }));

/** What KVM tells of a huge leaf that it puts in the place of small ones: no fault made it. */
const merged = (huge: Leaf): TraceEvent => ({
  kind: 'change',
  gfn: huge.gfn,
  level: huge.level,
  old: TABLE,
  new: spteOf(huge),
});

/** Have the host's memory allow what the end of dirty logging may bring: huge leaves, or zaps of small ones. */
export function settle(model: VmModel, effect: Effect, step: Step): TraceEvent[] {
  if (step.do !== 'memslot' || step.backing !== 'huge-ram') return [];
  return [
    ...effect.mayMerge.flatMap((huge) => [...model.observeLeaf(huge).map(zapped), merged(huge)]),
    ...effect.mayZap.flatMap(({ start, end }) => model.observeZap(start, end - start).map(zapped)),
  ];
}

/** What the record of a step has of its own. */
function fieldsOf(
  step: Step,
  taken: Taken,
  effect: Effect | undefined,
  contents: Contents,
): Omit<StepRecord, 'step' | 'events'> {
  switch (step.do) {
    case 'wrmsr':
    case 'rdmsr':
      return ofOne(step, effect?.msrs?.[0]);
    case 'msrs':
      return { msrs: (effect?.msrs ?? []).map(resultOf) };
    case 'cd': {
      const value = cr0With(step.on, step.nw);
      return step.by === 'guest' ? outcome(effect?.cr0 !== 'gp', value) : { value };
    }
    case 'restore':
      return { restored: { saved: 9, written: 9, odd: [] } };
    case 'invept':
      return { ok: true };
    case 'nested-access':
    case 'access': {
      const held = contents.access(step);
      const value = step.access === 'read' ? (held ?? 0x1234n) : undefined;
      const exits = step.do === 'access' ? { mmio: effect?.mmio ? 1 : 0 } : {};
      return { ...outcome(true, value), ...exits };
    }
    case 'delete-memslot':
      return { result: effect?.refused ?? 'ok' };
    case 'pre-fault':
      return effect?.refused
        ? { result: effect.refused }
        : { result: 'ok', value: BigInt((effect?.left ?? 0) * 0x1000) };
    case 'get-dirty-log':
      return effect?.dirty ? { result: 'ok', dirty: effect.dirty } : { result: effect?.refused ?? 'ok' };
    case 'msr-filter':
    case 'clear-dirty-log':
    case 'noncoherent':
    case 'memslot':
    case 'virtio':
    case 'disable-quirk':
      return { result: effect === undefined ? (taken.result as string) : (effect.refused ?? 'ok') };
    default:
      return {};
  }
}

/** How the kernel warns of what one of its functions met. */
const warningOf = (by: string | undefined): string[] =>
  by === undefined
    ? []
    : [
        '------------[ cut here ]------------',
        `WARNING: CPU: 0 PID: 65 at arch/x86/kvm/mmu/mmu.c:6084 ${by}+0x1a0/0x1c0`,
        'RIP: 0010:f+0x1/0x2',
        '---[ end trace 0000000000000000 ]---',
      ];

interface Machine {
  replay: Replay;
  model: VmModel;
  guestView: VmModel;
  contents: Contents;
  /** What the kernel says of the step. */
  log: string[];
}

function answer(policy: Policy, { of, number }: AskStep): Omit<StepRecord, 'step'> {
  const kernel = answeringKernel({ env: environmentOf(policy), answers: policy });
  return { value: expectedAnswer(of, number, kernel)?.value ?? 0n, events: [] };
}

/** One order of many: that in which the steps are written down. */
function recordTogether(machine: Machine, step: TogetherStep): Omit<StepRecord, 'step'> {
  const records = step.steps.map((part) => {
    const before = fetchOwn(machine.model, part);
    const { events = [], mmio: _, exits: __, value, ...fields } = record(machine, part);
    const rest = { ...fields, ...(part.do === 'cd' || value === undefined ? {} : { value }) };
    return { rest, events: [...before, ...events, ...fetchOwn(machine.model, part)] };
  });
  return { parts: records.map(({ rest }) => rest), events: records.flatMap(({ events }) => events) };
}

function record(machine: Machine, step: Step): Omit<StepRecord, 'step'> {
  if (step.do === 'together') return recordTogether(machine, step);
  if (step.do === 'ask') return answer(machine.model.policy, step);
  const { model, guestView, contents } = machine;
  if (step.do === 'init') {
    const start = step.sipi === undefined ? START_AFTER_INIT : startAfterSipi(step.sipi);
    return { value: cr0AfterInit(model.state.vcpu(step.vcpu).cr0), start, events: [] };
  }
  const taken = machine.replay.next(step);
  const { event, dropped } = taken;
  const before = new Set(readOnlyGfns(model));
  const known = model.leaves();
  const effect = event === undefined ? undefined : (dropped ? guestView : model).apply(event);
  for (const id of effect?.notes ?? []) machine.log.push(...warningOf(ERRATA.get(id)?.warns));
  const exits = exitsOf(step, effect, machine.replay);
  const fields = { ...fieldsOf(step, taken, effect, contents), ...(exits === undefined ? {} : { exits }) };
  if (effect === undefined || dropped) return { ...fields, events: [] };
  const events = [
    ...(effect.fastZap ? [{ kind: 'zap-all' } as const] : []),
    ...effect.split.map(splitUp),
    ...(step.do === 'access' ? [] : protectedAgain(effect, model, before)),
    ...effect.zapped.map(zapped),
    ...effect.remade.flatMap((leaf) =>
      remade(known.find(({ gfn, level }) => gfn === leaf.gfn && level === leaf.level) ?? leaf, leaf),
    ),
    ...effect.shadowMade.map(shadowMade),
    ...effect.made.flatMap(made),
    ...settle(model, effect, step),
  ];
  return { ...fields, events };
}

function fetchOwn(model: VmModel, step: Step): TraceEvent[] {
  if (
    !('vcpu' in step) ||
    step.do === 'pre-fault' ||
    step.do === 'restore' ||
    step.do === 'init' ||
    ('by' in step && step.by === 'host')
  )
    return [];
  return model.apply({ kind: 'access', vcpu: step.vcpu, gfn: INFRA_GFN, access: 'read' }).made.flatMap(made);
}

/** The recording that a kernel of this policy would give, guest's own page included; `legacyMmu` with kvm.tdp_mmu=N. */
export function simulate(scenario: Scenario, policy: Policy, legacyMmu = false): Ran {
  const model = new VmModel(policy, { vcpus: scenario.vcpus, maxphyaddr: scenario.maxphyaddr, legacyMmu });
  const replay = new Replay(scenario, policy);
  for (const event of replay.start) model.apply(event);
  const guestView = scenario.msrMode === 'filter-drop' ? model.clone() : model;
  const machine = { replay, model, guestView, contents: new Contents(scenario, model), log: [] as string[] };
  const lines: KernelLogRecord['lines'][number][] = [];
  const start = model.apply({ kind: 'access', vcpu: 0, gfn: INFRA_GFN, access: 'read' });
  const steps: StepRecord[] = [{ step: -1, events: start.made.flatMap(made) }];
  scenario.steps.forEach((step, i) => {
    // The guest fetches its own code before it does what the step asks, and again to say that it is done.
    const before = fetchOwn(model, step);
    const seen = record(machine, step);
    lines.push(...machine.log.splice(0).map((text) => ({ step: i, text })));
    steps.push({ step: i, ...seen, events: [...before, ...(seen.events ?? []), ...fetchOwn(model, step)] });
  });
  return {
    scenario: scenario.name,
    durationMs: 1,
    outcome: 'ran',
    infra: [{ gfn: INFRA_GFN, npages: 1 }],
    steps,
    kernelLog: { lines, lost: 0 },
  };
}

/** What the legacy MMU traces of the same, where KVM has no counters: leaves as they are made, and no zap. */
export const withoutCounts = (recording: Ran): Ran => ({
  ...recording,
  steps: recording.steps.map((r) => ({ ...r, events: (r.events ?? []).filter((e) => e.kind !== 'change') })),
});

/** The same, with KVM's count of leaves after each step. */
export function asLegacy(recording: Ran): Ran {
  const leaves = [0, 0, 0];
  const add = (level: number, n: number): void => {
    leaves[level - 1] = (leaves[level - 1] ?? 0) + n;
  };
  const steps = recording.steps.map((r) => {
    for (const e of r.events ?? []) {
      if (e.kind !== 'change') continue;
      if (e.old !== 0n && e.new === TABLE) add(1, 512);
      if (e.new !== 0n && e.old === 0n) add(e.level, 1);
      if ((e.new === 0n || e.new === TABLE) && e.old !== 0n) add(e.level, -1);
    }
    return { ...r, leaves: [...leaves] };
  });
  return withoutCounts({ ...recording, steps });
}
