import type { Fact, Facts, What } from './facts.js';

/** One thing that differs between two kernels. */
export interface Change {
  scenario: string;
  what: What;
  step: number;
  stepText: string;
  vcpu?: number;
  gfn?: number;
  where: string;
  conditions?: readonly string[];
  from: string;
  to: string;
  /** What `from` comes of, if that is known. */
  fromMeaning?: string;
  toMeaning?: string;
}

/** What there is where a side has no such fact; a kind that is not here is compared only where both sides have it. */
const ABSENT: Partial<Record<What, string>> = {
  'zap of everything': 'not done',
  'fault of L2': 'finds its leaf',
  trace: 'not seen',
  warning: 'not given',
  exit: 'none',
};

/** As the facts of own leaves join types. */
const AND = ' and ';

/** Of sets of types only what the other side has not; all, if that is nothing. */
function setsOf(from: string, to: string): [string, string] {
  const [a, b] = [from.split(AND), to.split(AND)];
  const beside = (own: string[], other: string[]): string => {
    const left = own.filter((type) => !other.includes(type));
    return (left.length > 0 ? left : own).join(AND);
  };
  return [beside(a, b), beside(b, a)];
}

function fromTo(what: What, from: string, to: string): Pick<Change, 'from' | 'to'> {
  if (what !== 'own leaf') return { from, to };
  const [a, b] = setsOf(from, to);
  return { from: a, to: b };
}

/** Told by the value of another fact of the same step: one change is told once. */
function isImplied(fact: Fact, changed: ReadonlySet<string>): boolean {
  return fact.what === 'rights' && changed.has(`${fact.step} size`);
}

/** What differs between what two kernels did in one scenario. */
export function changesOf(scenario: string, a: Facts, b: Facts): Change[] {
  const changes: Change[] = [];
  const changed = new Set<string>();
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(key), b.get(key)];
    const one = left ?? right;
    if (one === undefined || isImplied(one, changed)) continue;
    const from = left?.value ?? ABSENT[one.what];
    const to = right?.value ?? ABSENT[one.what];
    if (from === undefined || to === undefined || from === to) continue;
    changed.add(`${one.step} ${one.what}`);
    const { value: _, meaning: __, ...place } = one;
    changes.push({
      scenario,
      ...place,
      ...fromTo(one.what, from, to),
      ...(left?.meaning !== undefined && { fromMeaning: left.meaning }),
      ...(right?.meaning !== undefined && { toMeaning: right.meaning }),
    });
  }
  return changes;
}
