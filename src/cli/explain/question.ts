import { UsageError } from '../errors.js';
import type { GpaSpan, OfVcpu } from './args.js';
import type { ThenEvent } from './then/events.js';

/** What is asked: a page, a map, an entry, or an MSR. */
export interface Question {
  readonly gpa?: GpaSpan;
  readonly map?: boolean;
  readonly spte?: bigint;
  readonly level?: number;
  readonly rdmsr?: number;
  readonly vcpu?: number;
  /** What happens before, one after another. */
  readonly then?: readonly OfVcpu<ThenEvent>[];
}

/** What may be asked, and what each asks for. */
const ASKS = {
  gpa: 'one page',
  map: 'the whole map',
  spte: 'an entry of EPT',
  rdmsr: 'the value of an MSR',
} as const;

type Ask = keyof typeof ASKS;

/** Whether two questions are one: the entry that maps a page, or a part of the map. */
function belong(first: Ask, second: Ask, gpa: GpaSpan | undefined): boolean {
  if (first !== 'gpa') return false;
  return gpa?.end === undefined ? second === 'spte' : second === 'map';
}

/**
 * Make one question of what the options ask. A span of addresses asks for a map.
 *
 * @param page the page that a state names: asked where nothing else is, and the one that an entry maps
 * @throws UsageError if it is none, or two
 */
export function questionOf(question: Question, page: bigint | undefined): Question {
  const asked = (Object.keys(ASKS) as Ask[]).filter((ask) => (question[ask] ?? false) !== false);
  const [first, second] = asked;
  if (
    asked.length > 2 ||
    (first !== undefined && second !== undefined && !belong(first, second, question.gpa))
  )
    throw new UsageError(
      `--${first} and --${second} ask for two things: ${ASKS[first as Ask]}, or ${ASKS[second as Ask]}`,
    );
  if (question.level !== undefined && question.spte === undefined)
    throw new UsageError('--level is the level of an entry: it needs --spte');
  if (question.vcpu !== undefined && (question.map || question.gpa?.end !== undefined))
    throw new UsageError(
      '--vcpu is the vCPU that touches one page: a map tells what each of them makes of it',
    );
  const isPart = question.gpa?.end !== undefined;
  if (first !== undefined && first !== 'spte') return isPart ? { ...question, map: true } : question;
  if (page !== undefined) return { ...question, gpa: { start: page, end: undefined } };
  if (first === undefined && (question.then ?? []).length === 0)
    throw new UsageError('explain needs --gpa <address>, --map for the whole map, --spte, --rdmsr or --then');
  return question;
}
