import type { Environment, Recording, StepPart, StepRecord } from '../recording/recording.js';
import { describeStep } from '../scenario/describe.js';
import type { LaneStep, Scenario, Step, TogetherStep } from '../scenario/types.js';
import { evidenceOf } from './evidence/index.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;
type Field = Exclude<keyof StepRecord, 'step'>;

/** Of a command that the guest runs: that it was done, and the value if it reads one; else the vector of its fault. */
function commandFields(ok: boolean | undefined, reads: boolean): readonly Field[] {
  if (ok === false) return ['ok', 'vector'];
  return reads ? ['ok', 'value'] : ['ok'];
}

/** KVM_SET_MSRS may leave the guest an exception where it refuses something. */
const left = ({ vector }: StepRecord): readonly Field[] => (vector === undefined ? [] : ['vector']);

/** What the record of a step must have, no more and no less; `undefined` is the guest's start. */
function fieldsOf(
  step: Step | undefined,
  record: StepRecord,
  env: Pick<Environment, 'witness'> = {},
): readonly Field[] {
  const { ok, result, exit } = record;
  switch (step?.do) {
    case 'wrmsr':
      return step.by === 'guest' ? [...commandFields(ok, false), 'exits'] : ['ok', ...left(record)];
    case 'rdmsr':
      if (step.by === 'guest') return [...commandFields(ok, true), 'exits'];
      return ok === false ? ['ok'] : ['ok', 'value'];
    case 'msrs':
      return step.by === 'guest' ? ['msrs', 'exits'] : ['msrs', ...left(record)];
    case 'restore':
      return ['restored', ...left(record)];
    case 'access':
      return [
        ...commandFields(ok, step.access === 'read'),
        'mmio',
        ...(env.witness && ok && record.mmio === 0 ? (['walk'] as const) : []),
      ];
    case 'nested-access':
      if (exit !== undefined && ok === false) return ['ok', 'exit'];
      return commandFields(ok, step.access === 'read');
    case 'invept':
      return commandFields(ok, false);
    case 'cd':
      return step.by === 'guest' ? commandFields(ok, true) : ['value'];
    case 'msr-filter':
    case 'noncoherent':
    case 'virtio':
    case 'memslot':
    case 'disable-quirk':
    case 'delete-memslot':
    case 'clear-dirty-log':
      return ['result'];
    case 'pre-fault':
      return result === 'ok' ? ['result', 'value'] : ['result'];
    case 'get-dirty-log':
      return result === 'ok' ? ['result', 'dirty'] : ['result'];
    case 'ask':
      return ['value'];
    case 'init':
      return ['value', 'start'];
    case 'together':
      return ['parts'];
    default:
      return [];
  }
}

const FIELDS: readonly Field[] = [
  'ok',
  'value',
  'start',
  'result',
  'vector',
  'mmio',
  'walk',
  'dirty',
  'exit',
  'msrs',
  'restored',
  'exits',
  'parts',
  'leaves',
  'events',
];

/** Whether the agent could trace: it does wherever there are leaves, and a way to see them. */
const isTraced = ({ paging, missing }: Environment): boolean =>
  paging !== 'shadow' && missing['ept-leaves'] === undefined;

/** Which exits came of a step is not told where others made some too; CR0 is not read back. */
function partFault(part: StepPart, step: LaneStep, name: string): string | undefined {
  const fields = fieldsOf(step, { step: 0, ...part }).filter(
    (field) => field !== 'mmio' && field !== 'exits' && !(field === 'value' && step.do === 'cd'),
  );
  return oddField({ step: 0, ...part }, new Set(fields), `${name}, its ${describeStep(step)}`);
}

/** What is wrong with the records of steps at the same time. */
function partsFault({ parts = [] }: StepRecord, { steps }: TogetherStep, name: string): string | undefined {
  if (parts.length !== steps.length) return `${name} has ${parts.length} of ${steps.length} results`;
  return steps
    .map((step, i) => partFault(parts[i] as StepPart, step, name))
    .find((fault) => fault !== undefined);
}

/** What is wrong with the fields of one record, in words. */
function fieldFault(
  record: StepRecord,
  step: Step | undefined,
  always: readonly Field[],
  env: Environment,
): string | undefined {
  const name = step === undefined ? 'the guest’s start' : `step ${record.step + 1} (${describeStep(step)})`;
  const odd = oddField(record, new Set([...fieldsOf(step, record, env), ...always]), name);
  return odd ?? (step?.do === 'together' ? partsFault(record, step, name) : undefined);
}

function oddField(record: StepRecord, wanted: ReadonlySet<Field>, name: string): string | undefined {
  const lacking = [...wanted].find((field) => record[field] === undefined);
  if (lacking !== undefined) return `${name} has no ${lacking}`;
  const extra = FIELDS.find((field) => record[field] !== undefined && !wanted.has(field));
  return extra === undefined ? undefined : `${name} has a field ${extra}, which it cannot have`;
}

/**
 * What keeps a recording from being that of one whole run of `scenario`: every step once, in order, each with just the
 * fields that its kind gives. Undefined if nothing does.
 */
export function recordingFault(scenario: Scenario, recording: Ran, env: Environment): string | undefined {
  const { steps } = recording;
  if (recording.scenario !== scenario.name) return `it is one of ${recording.scenario}`;
  if (steps.length !== scenario.steps.length + 1)
    return `it has ${Math.max(steps.length - 1, 0)} of ${scenario.steps.length} steps`;
  const astray = steps.findIndex(({ step }, i) => step !== i - 1);
  if (astray >= 0) return `step ${(steps[astray]?.step ?? 0) + 1} stands where step ${astray} should`;
  // Leaves are counted where KVM has counters: then after each step.
  const counts = evidenceOf(env).hasCounts && steps[0]?.leaves !== undefined;
  const always: Field[] = [
    ...(isTraced(env) ? (['events'] as const) : []),
    ...(counts ? (['leaves'] as const) : []),
  ];
  for (const record of steps) {
    const fault = fieldFault(record, scenario.steps[record.step], always, env);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
