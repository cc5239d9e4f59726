import { gfnOf } from '../../arch/units.js';
import {
  compareAll,
  decodeSpte,
  explainArch,
  explainMap,
  explainPage,
  findPolicy,
  NEWEST_POLICY,
  type Policy,
  policyAssumption,
  type Situation,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { log } from '../terminal/log.js';
import { msrJson, msrText, readMsr } from './msr.js';
import { mustBeTaken } from './refused.js';
import { spteJson, spteText } from './spte.js';
import { type GuestFacts, situationOf } from './state.js';
import { mapJson, mapText, pageJson, pageText } from './text.js';

/** What is asked: a page, a map, an entry, or an MSR. */
export interface Question {
  readonly gpa?: bigint | undefined;
  readonly map?: boolean | undefined;
  readonly spte?: bigint | undefined;
  readonly level?: number | undefined;
  readonly rdmsr?: number | undefined;
}

/** An answer for people and for programs. */
export interface Answer {
  readonly text: () => string;
  readonly json: () => object;
}

/** What may be asked, and what each asks for. */
const ASKS = {
  gpa: 'one page',
  map: 'the whole map',
  spte: 'an entry of EPT',
  rdmsr: 'the value of an MSR',
} as const;

type Ask = keyof typeof ASKS;

/** Pairs that make sense: the entry that maps a page. */
const TOGETHER = new Set(['gpa spte']);

/** Refuse two questions at once, and parts of one that is not asked. */
function mustBeOne(question: Question): void {
  const asked = (Object.keys(ASKS) as Ask[]).filter((ask) => (question[ask] ?? false) !== false);
  const [first, second] = asked;
  if (asked.length > 2 || (asked.length === 2 && !TOGETHER.has(asked.join(' '))))
    throw new UsageError(
      `--${first} and --${second} ask for two things: ${ASKS[first as Ask]}, or ${ASKS[second as Ask]}`,
    );
  if (first === undefined)
    throw new UsageError('explain needs --gpa <address>, --map for the whole map, --spte or --rdmsr');
  if (question.level !== undefined && question.spte === undefined)
    throw new UsageError('--level is the level of an entry: it needs --spte');
}

/** Refuse an address that the guest cannot have. */
function mustBeAddress(gpa: bigint, { maxphyaddr }: Situation): void {
  if (gpa >= 1n << BigInt(maxphyaddr))
    throw new UsageError(`--gpa 0x${gpa.toString(16)} lies above the guest's ${maxphyaddr} address bits`);
}

function pageAnswer(policy: Policy, situation: Situation, gpa: bigint, assumed: string | undefined): Answer {
  mustBeAddress(gpa, situation);
  const gfn = gfnOf(gpa);
  const page = {
    gpa,
    assumed,
    situation,
    explanation: explainPage(policy, situation, gfn),
    arch: explainArch(situation, gfn),
    others: compareAll(situation, gfn),
  };
  return { text: () => pageText(page), json: () => pageJson(page) };
}

function mapAnswer(policy: Policy, situation: Situation): Answer {
  const ranges = explainMap(policy, situation, 2 ** (situation.maxphyaddr - 12));
  return { text: () => mapText(ranges), json: () => mapJson(ranges) };
}

function spteAnswer(policy: Policy, situation: Situation, question: Question & { spte: bigint }): Answer {
  const { spte, gpa, level = 1 } = question;
  if (gpa !== undefined) mustBeAddress(gpa, situation);
  const page =
    gpa === undefined ? undefined : { gpa, explanation: explainPage(policy, situation, gfnOf(gpa)) };
  const told = { spte, reading: decodeSpte(spte, level), page };
  return { text: () => spteText(told), json: () => spteJson(told) };
}

function msrAnswer(policy: Policy, situation: Situation, msr: number): Answer {
  const answer = readMsr(msr, policy, situation);
  return { text: () => msrText(answer), json: () => msrJson(answer) };
}

/**
 * Answer a question about a guest.
 *
 * @throws UsageError if it cannot be asked so
 */
export function answer(question: Question, facts: GuestFacts): Answer {
  const { policy: name = NEWEST_POLICY.name } = facts;
  // A state that names a page may be asked for something else.
  const gpa = question.gpa ?? (question.map || question.rdmsr !== undefined ? undefined : facts.gpa);
  const asked = { ...question, ...(gpa === undefined ? {} : { gpa }) };
  const policy = findPolicy(name);
  mustBeOne(asked);
  const situation = situationOf(facts);
  mustBeTaken(policy, situation);
  const assumed = policyAssumption(name);
  const { spte, rdmsr } = question;
  if (spte !== undefined) return spteAnswer(policy, situation, { ...asked, spte });
  if (gpa !== undefined) return pageAnswer(policy, situation, gpa, assumed);
  if (assumed !== undefined) log().warn(assumed);
  return rdmsr === undefined ? mapAnswer(policy, situation) : msrAnswer(policy, situation, rdmsr);
}
