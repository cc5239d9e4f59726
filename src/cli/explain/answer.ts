import { type GfnRange, gfnOf } from '../../arch/units.js';
import {
  compareAll,
  decodeSpte,
  explainArch,
  explainPage,
  explainRegions,
  findPolicy,
  firstTouches,
  hostMmioOf,
  inSlot,
  linuxAt,
  NEWEST_POLICY,
  type Situation,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { log } from '../terminal/log.js';
import type { GpaSpan } from './args.js';
import { type Guest, guestOf } from './guest.js';
import { mapJson, mapText } from './map-text.js';
import { msrJson, msrText, readMsr } from './msr.js';
import { type Question, questionOf } from './question.js';
import { spteJson, spteText } from './spte.js';
import type { GuestFacts } from './state.js';
import { hex, pageJson, pageText } from './text.js';
import { runThen, type ThenResult } from './then/run.js';
import { thenJson, thenText } from './then/text.js';
import { groupName, type VcpuGroup } from './vcpus.js';

/** An answer for people and for programs. */
export interface Answer {
  readonly text: () => string;
  readonly json: () => object;
}

/** Refuse an address that the guest cannot have. */
function mustBeAddress(gpa: bigint, { maxphyaddr }: Situation): void {
  if (gpa >= 1n << BigInt(maxphyaddr))
    throw new UsageError(`--gpa ${hex(gpa)} lies above the guest's ${maxphyaddr} address bits`);
}

function holeAnswer(gpa: bigint): Answer {
  const text = `gpa ${hex(gpa)} is in no memslot: KVM maps nothing there, each access exits to the VMM, which emulates it`;
  return { text: () => `${text}\n`, json: () => ({ gpa: hex(gpa), slot: null, text }) };
}

function pageAnswer(guest: Guest, gpa: bigint): Answer {
  const { policy, assumed, groups, memory } = guest;
  mustBeAddress(gpa, guest.situation);
  const gfn = gfnOf(gpa);
  const slot = memory.slots?.at(gfn);
  if (memory.slots !== undefined && slot === undefined) return holeAnswer(gpa);
  const situation = inSlot(guest.situation, slot, memory, gfn);
  const explanation = explainPage(policy, situation, gfn);
  const isHidden = situation.vmType === 'tdx' && situation.isPrivate;
  const backing = slot === undefined || isHidden ? [] : [hostMmioOf(slot.backing, memory.host)];
  const mapped = linuxAt(guest.situation, slot, memory, gfn);
  const vcpus = groups.map((group) => inSlot(group.situation, slot, memory, gfn));
  const page = {
    gpa,
    assumed,
    situation,
    explanation: {
      ...explanation,
      why: [
        ...(mapped?.why ?? []),
        ...backing.map(({ text, source }) => ({ text, source })),
        ...explanation.why,
      ],
    },
    arch: explainArch(situation, gfn),
    others: compareAll(situation, gfn),
    slot,
    touches: firstTouches(policy, vcpus, gfn).map((touch, i) => ({
      ...touch,
      who: groupName((groups[i] as VcpuGroup).ids),
    })),
  };
  return { text: () => pageText(page), json: () => pageJson(page) };
}

/** The frames of a span, or all that the guest can have. */
function framesOf(span: GpaSpan | undefined, situation: Situation): GfnRange {
  if (span?.end === undefined) return { start: 0, end: 2 ** (situation.maxphyaddr - 12) };
  mustBeAddress(span.end - 1n, situation);
  return { start: gfnOf(span.start), end: gfnOf(span.end) };
}

/** Say how to see a map that is too long. */
function wholeOrPart<T>(span: GpaSpan | undefined, map: () => T): T {
  try {
    return map();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const part = span === undefined ? 'a part of it with --gpa a..b' : 'a smaller part';
    throw new UsageError(`${error.message}; ask for ${part}`);
  }
}

function mapAnswer({ policy, groups, situation, memory, assumed }: Guest, span: GpaSpan | undefined): Answer {
  if (assumed !== undefined) log().warn(assumed);
  const vcpus = groups.map((group) => group.situation);
  const map = {
    ranges: wholeOrPart(span, () => explainRegions(policy, vcpus, framesOf(span, situation), memory)),
    who: groups.map(({ ids }) => groupName(ids)),
    hasSlots: memory.slots !== undefined,
  };
  return { text: () => mapText(map), json: () => mapJson(map) };
}

function spteAnswer({ policy, situation, memory }: Guest, spte: bigint, level: number, gpa?: bigint): Answer {
  if (gpa !== undefined) mustBeAddress(gpa, situation);
  const at = (address: bigint): Situation =>
    inSlot(situation, memory.slots?.at(gfnOf(address)), memory, gfnOf(address));
  const page = gpa === undefined ? undefined : { gpa, explanation: explainPage(policy, at(gpa), gfnOf(gpa)) };
  const told = { spte, reading: decodeSpte(spte, level), page };
  return { text: () => spteText(told), json: () => spteJson(told) };
}

function msrAnswer({ policy, situation }: Guest, msr: number): Answer {
  const answer = readMsr(msr, policy, situation);
  return { text: () => msrText(answer), json: () => msrJson(answer) };
}

/** The answer to what is asked of a guest as it is; undefined if only events are asked about. */
function answerOf(guest: Guest, { gpa, map, spte, level = 1, rdmsr }: Question): Answer | undefined {
  if (spte !== undefined) return spteAnswer(guest, spte, level, gpa?.start);
  if (rdmsr !== undefined) return msrAnswer(guest, rdmsr);
  if (map) return mapAnswer(guest, gpa);
  return gpa === undefined ? undefined : pageAnswer(guest, gpa.start);
}

/** What events bring about, and then the answer to what is asked after them. */
function thenAnswer(result: ThenResult, last: Answer | undefined): Answer {
  return {
    text: () => [thenText(result), ...(last === undefined ? [] : ['after that\n', last.text()])].join('\n'),
    json: () => ({ ...thenJson(result), ...(last === undefined ? {} : { after: last.json() }) }),
  };
}

/**
 * Answer a question about a guest.
 *
 * @throws UsageError if it cannot be asked so
 */
export function answer(asked: Question, facts: GuestFacts): Answer {
  findPolicy(facts.policy ?? NEWEST_POLICY.name);
  const question = questionOf(asked, facts.gpa);
  const { vcpu = 0, then = [] } = question;
  const guest = guestOf(facts, vcpu);
  if (then.length === 0) return answerOf(guest, question) as Answer;
  const result = runThen(guest, vcpu, then);
  return thenAnswer(result, answerOf(result.guest, question));
}
