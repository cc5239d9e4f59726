import { gfnOf, PAGE_SIZE } from '../../arch/units.js';
import type { Effect, VmModel } from '../../memtype/index.js';
import type { StepRecord } from '../../recording/recording.js';
import type { Step } from '../../scenario/types.js';
import type { Checks, Fail } from '../verdict.js';

/** An access leaves the guest as MMIO just where nothing may be mapped for it. */
function judgeMmio(
  { gpa }: Extract<Step, { do: 'access' }>,
  { mmio: seen }: StepRecord,
  { mmio }: Effect,
  fail: Fail,
): void {
  const expected = mmio === true ? 1 : 0;
  if (seen !== expected) fail('MMIO exits', String(expected), String(seen), { gfn: gfnOf(gpa) });
}

/** The log names each page that was written since it was read last, and no other. */
function judgeDirty(
  slot: { gfn: number } | undefined,
  { dirty: seen = [] }: StepRecord,
  expected: readonly number[],
  fail: Fail,
): void {
  const base = slot?.gfn ?? 0;
  const text = (pages: readonly number[]): string =>
    pages.length === 0
      ? 'no page'
      : `gfn ${pages.map((page) => `0x${(base + page).toString(16)}`).join(' ')}`;
  if (text(expected) === text(seen)) return;
  const odd = [...expected, ...seen].find((page) => expected.includes(page) !== seen.includes(page)) ?? 0;
  fail('dirty log', text(expected), text(seen), { gfn: base + odd });
}

/** KVM says how many bytes it has not mapped. */
function judgePreFault({ value }: StepRecord, { left = 0 }: Effect, fail: Fail): void {
  if (value === undefined) return;
  const expected = BigInt(left * PAGE_SIZE);
  if (value !== expected) fail('bytes left to map', String(expected), String(value));
}

/** Hold what a step tells beside its leaves, of memslots, against the model. */
export function judgeSlots(
  step: Step,
  record: StepRecord,
  effect: Effect,
  { model, checks, fail }: { model: VmModel; checks: Checks; fail: Fail },
): void {
  if (step.do === 'access') judgeMmio(step, record, effect, fail);
  if (step.do === 'pre-fault') judgePreFault(record, effect, fail);
  if (step.do !== 'get-dirty-log' || effect.dirty === undefined) return;
  checks.ioctls++;
  judgeDirty(model.state.slots.get(step.slot), record, effect.dirty, fail);
}
