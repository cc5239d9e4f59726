import { isBad } from '../report/summary.js';
import type { Change } from './diff.js';
import type { What } from './facts.js';
import type { Group, Value } from './group.js';
import type { Side } from './side.js';

const MOST_VALUES = 3;
const MOST_PLACES = 2;
const MOST_LETTERS = 100;

/** A list, of which as much is told as is read. */
export function listText(all: readonly string[], most: number, and = ', '): string {
  const shown = all.slice(0, most).join(and);
  return all.length > most ? `${shown} and ${all.length - most} more` : shown;
}

/** What a group's values are of; of the others the situation says it. */
const NOUNS: Partial<Record<What, string>> = {
  leaf: 'leaf',
  size: 'leaves of',
  rights: 'leaf',
  zap: 'leaf',
  exit: 'exit',
  trace: 'trace',
  warning: 'kernel warning',
};

/** A text of which as much is told as is read. */
const short = (text: string): string =>
  text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text;

const valuesText = (values: readonly Value[]): string =>
  listText(
    values.map(({ text }) => short(text)),
    MOST_VALUES,
    ' or ',
  );

function answersText(changes: readonly Change[]): string {
  const each = changes.map(({ where, from, to }) => `${where} ${from} -> ${to}`);
  return `${changes.length === 1 ? 'an answer' : `${changes.length} answers`} of KVM about itself: ${listText(each, MOST_PLACES, '; ')}`;
}

/** `, CR0.CD=1` where all have it; else ` (most with CR0.CD=1)`. */
function conditionText(conditions: readonly Value[], all: number): string {
  const every = conditions.filter(({ count }) => count === all).map(({ text }) => `, ${text}`);
  const most = conditions
    .filter(({ count }) => count < all && count * 2 > all)
    .map(({ text }) => `most with ${text}`);
  return every.join('') + (most.length === 0 ? '' : ` (${listText(most, MOST_PLACES)})`);
}

/** What changed, in a sentence. */
export function groupText({ what, where, conditions, from, to, changes }: Group): string {
  if (what === 'answer') return answersText(changes);
  const noun = NOUNS[what] === undefined ? '' : `${NOUNS[what]} `;
  return `${listText(where.map(short), MOST_PLACES, '; ')}${conditionText(conditions, changes.length)}: ${noun}${valuesText(from)} -> ${valuesText(to)}`;
}

/** Where a change is seen: scenario, step, page. */
export function placeText({ scenario, step, stepText, gfn }: Change): string {
  const page = gfn === undefined ? '' : `, gfn 0x${gfn.toString(16)}`;
  return `${scenario}, step ${step}${stepText === '' ? '' : ` (${short(stepText)})`}${page}`;
}

/** Which policy explains what a kernel did. */
export function policyText({ set: { policy }, scenarios }: Side): string {
  const isExplained = [...scenarios.values()].every(({ result }) => !isBad(result.status));
  const hint = policy.how === 'hint' ? ' (by version only)' : '';
  if (isExplained) return `policy ${policy.name}${hint} explains it`;
  const others = policy.explainedBy.filter((name) => name !== policy.name);
  if (others.length > 0)
    return `policy ${policy.name}${hint} does not explain it; ${others.join(', ')} would`;
  return `no known policy explains it; it was held against ${policy.name}${hint}`;
}
