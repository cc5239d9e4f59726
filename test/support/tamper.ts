import type { TraceEvent } from '../../src/observe/events.js';
import { decodeLeaf } from '../../src/observe/spte.js';
import type { MsrExit, MsrResult, Recording, Restored, StepRecord } from '../../src/recording/recording.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** A recording with one thing changed. */
export interface Tampered {
  /** The sort of change. */
  kind: string;
  /** The step that was changed, from 0; -1 is the guest's start. Undefined if it was the recording itself. */
  step?: number;
  /** The frame of the event that was changed. */
  gfn?: number;
  recording: Recording;
}

/** Bits of an entry that are changed, one of each meaning (SDM, "EPT Page-Structure Entries"; kernel: spte.h). */
const ENTRY_BITS = {
  read: 0,
  write: 1,
  execute: 2,
  'type 0': 3,
  'type 1': 4,
  'type 2': 5,
  IPAT: 6,
  huge: 7,
  accessed: 8,
  dirty: 9,
  present: 11,
  'lowest of the frame': 12,
  'highest of the frame': 51,
  'lowest of the software': 52,
  'highest of the software': 63,
} as const;

/** Names of bits, and their places. */
export type Bits = readonly (readonly [name: string, bit: number])[];

/** One bit of each kind that decides otherwise. */
export const TELLING_BITS: Bits = (['type 1', 'IPAT', 'present', 'lowest of the frame'] as const).map(
  (name) => [name, ENTRY_BITS[name]],
);

const ALL_BITS: Bits = Object.entries(ENTRY_BITS);

const FAR_STEP = 99_999;
const FAR_GFN = 0x10_0000;

const without = <T>(list: readonly T[], i: number): T[] => list.filter((_, at) => at !== i);
const twice = <T>(list: readonly T[], i: number): T[] => list.flatMap((x, at) => (at === i ? [x, x] : [x]));
const replaced = <T>(list: readonly T[], i: number, by: T): T[] => list.map((x, at) => (at === i ? by : x));

/** Each single change of one event: kind of change, and what it leaves. */
function* changedEvents(event: TraceEvent, bits: Bits): Generator<[string, TraceEvent]> {
  if (event.kind === 'zap-all') {
    yield ['kind', { kind: 'change', gfn: 0, level: 1, old: 0n, new: 0n }];
    return;
  }
  const { gfn, level } = event;
  yield ['kind', { kind: 'zap-all' }];
  yield ['gfn', { ...event, gfn: gfn + 1 }];
  if (gfn > 0) yield ['gfn', { ...event, gfn: gfn - 1 }];
  yield ['gfn far', { ...event, gfn: gfn + FAR_GFN }];
  yield ['level', { ...event, level: level + 1 }];
  yield ['level', { ...event, level: level - 1 }];
  const empty = level > 1 ? 'of an empty huge entry' : 'of an empty entry';
  const leafOrEmpty = (spte: bigint): string => (decodeLeaf(spte, level) ? 'of a leaf' : empty);
  for (const [name, bit] of bits) {
    const flip = 1n << BigInt(bit);
    if (event.kind === 'set') yield [`spte: ${name}`, { ...event, spte: event.spte ^ flip }];
    else {
      yield [`old ${leafOrEmpty(event.old)}: ${name}`, { ...event, old: event.old ^ flip }];
      yield [`new ${leafOrEmpty(event.new)}: ${name}`, { ...event, new: event.new ^ flip }];
    }
  }
}

/** How many events at either end of a long list are each changed, and every how many-th of the others. */
const AT_ENDS = 12;
const BETWEEN = 37;

/** Each event of a step with few of them; of hundreds alike, such as a huge leaf split leaves, those at the ends and some between. */
const chosen = (events: readonly TraceEvent[]): [number, TraceEvent][] =>
  [...events.entries()].filter(([i]) => i < AT_ENDS || i >= events.length - AT_ENDS || i % BETWEEN === 0);

function* tamperedEvents(
  events: readonly TraceEvent[],
  bits: Bits,
): Generator<[kind: string, TraceEvent[], gfn?: number | undefined]> {
  for (const [i, event] of chosen(events)) {
    const gfn = event.kind === 'zap-all' ? undefined : event.gfn;
    yield [`${event.kind} deleted`, without(events, i), gfn];
    yield [`${event.kind} twice`, twice(events, i), gfn];
    for (const [kind, changed] of changedEvents(event, bits))
      yield [`${event.kind} ${kind}`, replaced(events, i, changed), gfn];
  }
  yield ['zap-all added', [...events, { kind: 'zap-all' }]];
}

/** An empty list has no first one to leave out. */
const isOther =
  (list: readonly number[]) =>
  (changed: readonly number[] | undefined): boolean =>
    changed?.length !== list.length;

/** One change in each of the first and the last access of several: what is between is judged in the same way. */
function tamperedResults(msrs: readonly MsrResult[], one: MsrResult, i: number): MsrResult[][] {
  if (i > 0 && i < msrs.length - 1) return [];
  const changed = (by: MsrResult): MsrResult[] => replaced(msrs, i, by);
  const others: MsrResult[] =
    one === true ? [13, 1n] : typeof one === 'bigint' ? [one ^ 1n, true, 13] : [14, true];
  return [without(msrs, i), twice(msrs, i), ...others.map(changed)];
}

const EXIT: MsrExit = { vcpu: 0, msr: 0x2ff, write: 1n, reason: 'INVAL' };

/** The first exit changed in each of its fields, and one more. */
function tamperedExits(exits: readonly MsrExit[]): MsrExit[][] {
  const [first] = exits;
  if (first === undefined) return [[EXIT]];
  const { write, ...read } = first;
  const changed: MsrExit[] = [
    { ...first, vcpu: first.vcpu + 1 },
    { ...first, msr: first.msr + 1 },
    { ...first, reason: 'other' },
    write === undefined ? { ...first, write: 0n } : { ...first, write: write ^ 1n },
    ...(write === undefined ? [] : [read]),
  ];
  return [
    without(exits, 0),
    twice(exits, 0),
    [...exits, EXIT],
    ...changed.map((by) => replaced(exits, 0, by)),
  ];
}

const tamperedRestored = (restored: Restored): Restored[] => [
  { ...restored, saved: restored.saved + 1 },
  { ...restored, written: restored.written - 1 },
  { ...restored, odd: [{ msr: 0x277, saved: 0n, read: 1n }] },
  { saved: 0, written: 0, odd: [] },
];

/** Each way to change one field of a step's record, but its events. */
function* tamperedFields(record: StepRecord): Generator<[string, StepRecord]> {
  const { ok, value, start, restored, result, vector, exit, mmio, dirty, leaves, msrs, exits } = record;
  const fields: Record<string, unknown[]> = {
    ok: ok === undefined ? [true, false] : [!ok, undefined],
    value: value === undefined ? [0n] : [value ^ 1n, value ^ (1n << 63n), undefined],
    start: start === undefined ? [0n] : [start ^ 1n, undefined],
    restored:
      restored === undefined
        ? [{ saved: 1, written: 1, odd: [] }]
        : [...tamperedRestored(restored), undefined],
    result: result === undefined ? ['ok'] : [result === 'ok' ? 'EINVAL' : 'ok', 'EPERM', undefined],
    vector: vector === undefined ? [13, 14] : [14, undefined],
    exit: exit === undefined ? [0, 48] : [exit + 1, undefined],
    mmio: mmio === undefined ? [0, 1] : [1 - mmio, undefined],
    dirty:
      dirty === undefined ? [[], [0]] : [[...dirty, 4095], dirty.slice(1), undefined].filter(isOther(dirty)),
    leaves:
      leaves === undefined
        ? [[0, 0, 0]]
        : [...leaves.flatMap((n, i) => [replaced(leaves, i, n + 1), replaced(leaves, i, n - 1)]), undefined],
    msrs: msrs === undefined ? [[]] : [...msrs.flatMap((one, i) => tamperedResults(msrs, one, i)), undefined],
    exits: exits === undefined ? [[EXIT]] : [...tamperedExits(exits), undefined],
    events: record.events === undefined ? [[]] : [undefined],
  };
  for (const [field, values] of Object.entries(fields)) {
    for (const changed of values) {
      const { [field as keyof StepRecord]: _, ...rest } = record;
      const how = changed === undefined ? 'deleted' : field in record ? 'changed' : 'added';
      yield [`${field} ${how}`, (changed === undefined ? rest : { ...rest, [field]: changed }) as StepRecord];
    }
  }
  for (const step of [record.step + 1, record.step - 1, FAR_STEP]) yield ['step number', { ...record, step }];
}

function* tamperedSteps(
  steps: readonly StepRecord[],
  bits: Bits,
): Generator<Omit<Tampered, 'recording'> & { steps: StepRecord[] }> {
  for (const [i, record] of steps.entries()) {
    const { step } = record;
    yield { kind: 'step deleted', step, steps: without(steps, i) };
    yield { kind: 'step twice', step, steps: twice(steps, i) };
    yield { kind: 'steps cut off', step, steps: steps.slice(0, i) };
    for (const [kind, changed] of tamperedFields(record))
      yield { kind, step, steps: replaced(steps, i, changed) };
    for (const [kind, events, gfn] of tamperedEvents(record.events ?? [], bits)) {
      const changed = replaced(steps, i, { ...record, events });
      yield { kind, step, ...(gfn === undefined ? {} : { gfn }), steps: changed };
    }
  }
}

function* tamperedRest(recording: Ran): Generator<[string, Recording]> {
  const { infra, scenario, durationMs } = recording;
  for (const [i, range] of infra.entries()) {
    const { gfn, npages } = range;
    yield ['infra deleted', { ...recording, infra: without(infra, i) }];
    yield ['infra twice', { ...recording, infra: twice(infra, i) }];
    yield [
      'infra narrower',
      { ...recording, infra: replaced(infra, i, { gfn: gfn + 1, npages: npages - 1 }) },
    ];
    yield ['infra narrower', { ...recording, infra: replaced(infra, i, { gfn, npages: npages - 1 }) }];
    yield ['infra wider', { ...recording, infra: replaced(infra, i, { gfn: gfn - 1, npages: npages + 1 }) }];
    yield ['infra wider', { ...recording, infra: replaced(infra, i, { gfn, npages: npages + 1 }) }];
  }
  yield ['scenario', { ...recording, scenario: `${scenario}x` }];
  yield ['durationMs', { ...recording, durationMs: durationMs + 1 }];
  yield ['notGivenBack added', { ...recording, notGivenBack: 'x' }];
  yield ['outcome', { scenario, durationMs, outcome: 'skip', missing: { reason: 'x', lift: 'x' } }];
  yield ['outcome', { scenario, durationMs, outcome: 'error', code: 'INTERNAL', message: 'x' }];
}

const SPLAT = 'WARNING: CPU: 0 PID: 65 at mm/slub.c:1 kfree+0x1/0x2';

/** Each way to change what the kernel logged. */
function* tamperedLog(recording: Ran): Generator<[string, Recording]> {
  const { kernelLog, ...rest } = recording;
  if (kernelLog === undefined) {
    yield ['kernel log added', { ...recording, kernelLog: { lines: [], lost: 0 } }];
    return;
  }
  const { lines, lost } = kernelLog;
  const withLines = (changed: typeof lines): Recording => ({ ...rest, kernelLog: { lines: changed, lost } });
  yield ['kernel log deleted', rest];
  yield ['kernel log lost', { ...rest, kernelLog: { lines, lost: lost + 1 } }];
  for (const step of [-1, 0, recording.steps.length])
    yield ['kernel log line added', withLines([...lines, { step, text: SPLAT }])];
  for (const [i, line] of lines.entries()) {
    const of = `kernel log, ${line.text.startsWith('WARNING: ') ? 'a warning' : 'a line around one'}`;
    yield [`${of}: deleted`, withLines(without(lines, i))];
    yield [`${of}: twice`, withLines(twice(lines, i))];
    yield [`${of}: text`, withLines(replaced(lines, i, { ...line, text: SPLAT }))];
    yield [`${of}: step`, withLines(replaced(lines, i, { ...line, step: line.step + 1 }))];
  }
}

/**
 * Every recording that differs from this one in a single deletion, duplication or change.
 * @param bits which bits of entries are changed; one of each meaning if not told
 */
export function* tamper(recording: Ran, bits: Bits = ALL_BITS): Generator<Tampered> {
  for (const { steps, ...rest } of tamperedSteps(recording.steps, bits))
    yield { ...rest, recording: { ...recording, steps } };
  for (const [kind, changed] of [...tamperedRest(recording), ...tamperedLog(recording)])
    yield { kind, recording: changed };
}
