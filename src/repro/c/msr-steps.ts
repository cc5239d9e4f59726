import { isRefusal, type MsrAnswer, mayRepeatGp } from '../../memtype/index.js';
import type { MsrOp } from '../../scenario/types.js';
import type { Plan } from '../plan.js';
import { hex } from './words.js';
import { errnoOf, type Of, type Writing } from './writing.js';

/** What becomes of an access by the guest, as a flag word of the reproducer. */
function outcomeOf(op: MsrOp, answer: MsrAnswer | undefined, vcpu: number, w: Writing): string {
  const refusal = answer === undefined || !isRefusal(answer) ? undefined : answer;
  const reason = w.routes.denies(op) ? 'FILTER' : refusal;
  const exits = reason !== undefined && w.routes.asksFor(reason) ? [reason] : [];
  const { policy, scenario } = w.plan;
  const isTwice =
    op.value !== undefined && mayRepeatGp(policy.msrs, op.msr, op.value, scenario.maxphyaddr) && vcpu >= 0;
  const faults = refusal === undefined ? [] : ['GP', ...(isTwice ? ['TWICE'] : [])];
  return [...faults, ...exits].join(' | ') || 'OK';
}

const valueRead = (answer: MsrAnswer | undefined): bigint => (typeof answer === 'bigint' ? answer : 0n);

function msrTable(ops: readonly MsrOp[], answers: readonly MsrAnswer[], w: Writing, isHost: boolean): string {
  const name = `step_${w.at}`;
  const rows = ops.map((op, i) => {
    const outcome = isHost ? '0' : outcomeOf(op, answers[i], 0, w);
    const value = op.value ?? valueRead(answers[i]);
    return `\t{ ${hex(op.msr)}, ${op.value === undefined ? 0 : 1}, ${hex(value)}, ${outcome} },`;
  });
  w.tables.push(`static const struct msr ${name}[] = {\n${rows.join('\n')}\n};`);
  w.uses.add('msr_table');
  if (!isHost) w.uses.add('outcome');
  return name;
}

/** Whether no MSR access of the guest is refused or leaves for user space, and each is a step of its own. */
export const hasPlainMsrs = ({ scenario, steps }: Plan): boolean =>
  scenario.msrMode === 'kernel' &&
  steps.every(
    ({ step, effect }) =>
      step.do !== 'msrs' &&
      step.do !== 'msr-filter' &&
      !((step.do === 'wrmsr' || step.do === 'rdmsr') && step.by === 'guest' && effect?.msrs?.some(isRefusal)),
  );

/** A batch of accesses. */
export function msrsLines({ step, effect }: Of<'msrs'>, w: Writing): string[] {
  const answers = effect?.msrs ?? [];
  const isHost = step.by === 'host';
  const table = msrTable(step.ops, answers, w, isHost);
  const count = String(step.ops.length);
  return isHost
    ? w.uses.call('host_msrs', [String(step.vcpu), table, count, String(answers.length)])
    : w.uses.call('guest_msrs', [String(step.vcpu), table, count]);
}

/** One access. */
export function oneMsrLines({ step, effect }: Of<'wrmsr' | 'rdmsr'>, w: Writing): string[] {
  const op: MsrOp = step.do === 'wrmsr' ? { msr: step.msr, value: step.value } : { msr: step.msr };
  const answer = effect?.msrs?.[0];
  const value = hex(op.value ?? valueRead(answer));
  if (step.by === 'guest' && w.isPlain)
    return w.uses.call(
      step.do === 'wrmsr' ? 'plain_wrmsr' : 'plain_rdmsr',
      [String(step.vcpu), hex(step.msr), value],
      `guest_${step.do}`,
    );
  const outcome =
    step.by === 'host' ? (answer === undefined ? '0' : '1') : outcomeOf(op, answer, step.vcpu, w);
  const args = [String(step.vcpu), hex(step.msr), value, outcome];
  return w.uses.call(`${step.by}_${step.do}`, args);
}

/** KVM_X86_SET_MSR_FILTER. */
export function filterLines(planned: Of<'msr-filter'>, w: Writing): string[] {
  const { step } = planned;
  const name = `step_${w.at}`;
  const directions = { read: 1, write: 2, both: 3 };
  const rows = step.ranges.map(({ base, count, access, allow }) => {
    const bits = new Array<number>(Math.ceil(count / 8)).fill(0);
    for (const msr of allow)
      bits[(msr - base) >> 3] = (bits[(msr - base) >> 3] ?? 0) | (1 << ((msr - base) & 7));
    const bytes = `(u8[${bits.length}]){ ${bits.some((b) => b !== 0) ? bits.join(', ') : '0'} }`;
    return `\t{ .flags = ${directions[access]}, .base = ${hex(base)}, .nmsrs = ${count},\n\t  .bitmap = ${bytes} },`;
  });
  const body = rows.length === 0 ? '\t{ .flags = 0 },' : rows.join('\n');
  w.tables.push(`static const struct kvm_msr_filter_range ${name}[] = {\n${body}\n};`);
  return w.uses.call('msr_filter', [
    step.deny ? '1' : '0',
    name,
    String(step.ranges.length),
    errnoOf(planned),
  ]);
}
