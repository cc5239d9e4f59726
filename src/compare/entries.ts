import { safeLine } from '../text/safe.js';
import { type Comparison, isWorse, type SkipChange, type Told } from './compare.js';
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
  conclusion: string;
}

/** A change that this few scenarios show is told with its place. */
const FEW = 2;
const MOST_TOLD = 5;
const MOST_NAMES = 4;

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

function skipEntry({ now, reason, scenarios }: SkipChange, all: boolean): Entry {
  const names = listText(scenarios, all ? scenarios.length : MOST_NAMES);
  const verb = now === 'run' ? 'run now and were skipped' : 'are skipped now and ran';
  return { count: scenarios.length, text: `${verb} (${reason}): ${names}`, below: [] };
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

function conclusionOf(comparison: Comparison): string {
  const { a, b, compared, verdictsOnly, verdicts, groups, skips, broken } = comparison;
  const [from, to] = a.name === b.name ? ['the first', 'the second'] : [a.name, b.name];
  if (broken.length > 0) return `${to} is worse than ${from}: ${broken.join('; ')}`;
  if (isWorse(comparison)) {
    const n = verdicts.worse.length;
    return `${to} is worse than ${from}: ${counted(n, 'scenario')} ${n === 1 ? 'fails' : 'fail'} that did not`;
  }
  const other = comparison.onlyA.length + comparison.onlyB.length + comparison.unlike.length;
  if (groups.length + skips.length + verdicts.better.length + other === 0)
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
      ...groups.map((group) => groupEntry(group, all)),
      ...skips.map((skip) => skipEntry(skip, all)),
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
    conclusion: safeLine(conclusionOf(comparison)),
  };
}
