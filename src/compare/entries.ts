import { safeLine } from '../text/safe.js';
import { type Comparison, isWorse, type SkipChange, type Told } from './compare.js';
import { type CostEntry, costEntries, tellsNoDifference } from './cost-words.js';
import type { Group } from './group.js';
import type { Side } from './side.js';
import { groupText, listText, placeText, policyText } from './words.js';

/** One thing that is told. */
export interface Entry {
  /** How many scenarios it is about. */
  count: number;
  text: string;
  /** Details, each to stand on a line of its own. */
  below: string[];
}

/** A comparison in words: what is compared, what changed, what fails, and what comes of it. */
export interface Words {
  sides: readonly [string, string];
  notes: string[];
  changes: Entry[];
  verdicts: Entry[];
  costs: CostEntry[];
  conclusion: string;
}

/** A change that this few scenarios show is told with its place. */
const FEW = 2;
const MOST_TOLD = 5;
const MOST_NAMES = 4;
/** A comparison of more lines is not read. */
const MOST_GROUPS = 9;

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function sideText(side: Side): string {
  const { release, engine } = side.set;
  const count = counted(side.scenarios.size, 'scenario');
  return `${side.name}: Linux ${release} on ${engine}, ${count}; ${policyText(side)}`;
}

function groupEntry(group: Group, all: boolean): Entry {
  const [first] = group.changes;
  const isFew = group.scenarios.length <= FEW && group.what !== 'answer';
  const places = all ? group.changes.map(placeText) : isFew && first !== undefined ? [placeText(first)] : [];
  return { count: group.scenarios.length, text: groupText(group), below: places };
}

/** Skips that became runs, or the other way: one line, and below it the reasons. */
function skipEntry(now: SkipChange['now'], skips: readonly SkipChange[], all: boolean): Entry[] {
  const own = skips.filter((skip) => skip.now === now);
  if (own.length === 0) return [];
  const why = ({ reason, scenarios }: SkipChange): string =>
    `${reason}: ${listText(scenarios, all ? scenarios.length : FEW)}`;
  const text = now === 'run' ? 'run now and were skipped' : 'are skipped now and ran';
  const count = own.reduce((sum, { scenarios }) => sum + scenarios.length, 0);
  if (own.length === 1) return [{ count, text: `${text}: ${own.map(why)}`, below: [] }];
  return [{ count, text, below: own.map((skip) => `${skip.scenarios.length}: ${why(skip)}`) }];
}

/** The groups that most scenarios show, and how many more there are. */
function groupEntries(groups: readonly Group[], all: boolean): Entry[] {
  const shown = all ? groups : groups.slice(0, MOST_GROUPS);
  const left = groups.slice(shown.length);
  const count = new Set(left.flatMap(({ scenarios }) => scenarios)).size;
  const more = {
    count,
    text:
      left.length === 1 ? 'show one more change: --all' : `show one of ${left.length} more changes: --all`,
    below: [],
  };
  return [...shown.map((group) => groupEntry(group, all)), ...(left.length > 0 ? [more] : [])];
}

function toldEntry(told: readonly Told[], what: string, all: boolean): Entry[] {
  if (told.length === 0) return [];
  const shown = all ? told : told.slice(0, MOST_TOLD);
  const left = told.length - shown.length;
  const below = shown.map(({ scenario, text }) => `${scenario}: ${text}`);
  return [{ count: told.length, text: what, below: left > 0 ? [...below, `and ${left} more`] : below }];
}

function namesEntry(names: readonly string[], what: string, all: boolean): Entry[] {
  if (names.length === 0) return [];
  return [
    { count: names.length, text: `${what}: ${listText(names, all ? names.length : MOST_NAMES)}`, below: [] },
  ];
}

function notesOf({ a, b, verdictsOnly }: Comparison): string[] {
  const saved = [a, b].filter(({ environment }) => environment === undefined).map(({ name }) => name);
  if (verdictsOnly === 0) return [];
  const whose = saved.length === 0 ? 'of some scenarios' : `of ${saved.join(' and ')}`;
  return [`${whose} only results were saved, no leaves: verdicts are compared, not what was seen`];
}

function worseText({ verdicts, costs }: Comparison): string {
  const n = verdicts.worse.length;
  const beyond = costs.filter((cost) => cost.beyond).map(({ measure }) => measure);
  return [
    ...(n > 0 ? [`${counted(n, 'scenario')} ${n === 1 ? 'fails' : 'fail'} that did not`] : []),
    ...(beyond.length > 0 ? [`more than the threshold lets it take: ${beyond.join(', ')}`] : []),
  ].join('; ');
}

function conclusionOf(comparison: Comparison): string {
  const { a, b, compared, verdictsOnly, verdicts, groups, skips, broken, costs } = comparison;
  const [from, to] = a.name === b.name ? ['the first', 'the second'] : [a.name, b.name];
  if (broken.length > 0) return `${to} is worse than ${from}: ${broken.join('; ')}`;
  if (isWorse(comparison)) return `${to} is worse than ${from}: ${worseText(comparison)}`;
  const other = comparison.onlyA.length + comparison.onlyB.length + comparison.unlike.length;
  const isSame = groups.length + skips.length + verdicts.better.length + other === 0;
  if (isSame && costs.every(tellsNoDifference))
    return `no difference in ${counted(compared + verdictsOnly, 'scenario')}`;
  return `${to} is not worse than ${from}: nothing fails that did not`;
}

/** Put a comparison into words. Nothing in them acts on a terminal. */
export function wordsOf(comparison: Comparison, all: boolean): Words {
  const { a, b, groups, skips, verdicts, onlyA, onlyB, unlike } = comparison;
  const safe = ({ count, text, below }: Entry): Entry => ({
    count,
    text: safeLine(text),
    below: below.map(safeLine),
  });
  return {
    sides: [safeLine(sideText(a)), safeLine(sideText(b))],
    notes: notesOf(comparison).map(safeLine),
    changes: [
      ...groupEntries(groups, all),
      ...skipEntry('run', skips, all),
      ...skipEntry('skipped', skips, all),
      ...namesEntry(onlyA, 'only on the first side', all),
      ...namesEntry(onlyB, 'only on the second side', all),
      ...namesEntry(unlike, 'not the same scenario on both sides, left out', all),
    ].map(safe),
    verdicts: [
      ...toldEntry(verdicts.worse, 'fail now and did not', all),
      ...toldEntry(verdicts.better, 'pass now and failed', all),
      ...namesEntry(
        verdicts.notNew.map(({ scenario }) => scenario),
        'fail on both sides, which is not new',
        all,
      ),
    ].map(safe),
    costs: costEntries(comparison.costs),
    conclusion: safeLine(conclusionOf(comparison)),
  };
}
