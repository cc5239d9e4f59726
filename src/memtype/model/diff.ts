import { overlaps } from '../arch/ranges.js';
import type { LeafType, Level } from '../types.js';
import type { Effect, ModelEvent } from './events.js';
import { leafRange } from './leaves.js';

/** A leaf entry as an observer decodes it. */
export interface SeenLeaf {
  readonly gfn: number;
  readonly level: Level;
  readonly type: LeafType;
  readonly ipat: boolean;
}

/** What was seen of one step. A field that is left out was not observed, and is not compared. */
export interface Seen {
  readonly made?: readonly SeenLeaf[];
  readonly zapped?: readonly { readonly gfn: number; readonly level: Level }[];
  /** Outcome of an MSR write. */
  readonly msr?: 'ok' | 'gp';
  /** KVM_MSR_EXIT_REASON_ of a failed MSR write. */
  readonly msrReason?: 'INVAL' | 'UNKNOWN';
  /** Outcome of a write to CR0. */
  readonly cr0?: 'ok' | 'gp';
  /** The ioctl failed. */
  readonly refused?: boolean;
  /** Calls of kvm_zap_gfn_range(). */
  readonly zapCalls?: number;
}

/** The ways in which what was seen can differ from what had to be. */
export type MismatchKind =
  | 'wrong-type'
  | 'level-too-high'
  | 'missing-leaf'
  | 'unexpected-leaf'
  | 'missing-zap'
  | 'needless-zap'
  | 'msr'
  | 'msr-reason'
  | 'cr0'
  | 'ioctl'
  | 'zap-calls';

/** One difference. */
export interface Mismatch {
  readonly kind: MismatchKind;
  /** Frame that it is about, where it is about one. */
  readonly gfn?: number;
  readonly text: string;
}

type Entry = Pick<SeenLeaf, 'type' | 'ipat'>;

const hex = (gfn: number): string => `0x${gfn.toString(16)}`;
const show = (leaf: Entry): string =>
  leaf.type === 'none' ? 'no type' : `${leaf.type} IPAT ${leaf.ipat ? 1 : 0}`;
const same = (a: Entry, b: Entry): boolean => a.type === b.type && a.ipat === b.ipat;

const wrongType = (want: Entry, got: SeenLeaf): Mismatch => ({
  kind: 'wrong-type',
  gfn: got.gfn,
  text: `gfn ${hex(got.gfn)}: expected ${show(want)}, seen ${show(got)}`,
});

function compareMade(effect: Effect, seen: readonly SeenLeaf[]): Mismatch[] {
  const found: Mismatch[] = [];
  const expected = new Map(effect.made.map((leaf) => [leaf.gfn, leaf]));
  for (const leaf of seen) {
    const want = expected.get(leaf.gfn);
    const merged = effect.mayMerge.find((huge) => huge.gfn === leaf.gfn && huge.level === leaf.level);
    expected.delete(leaf.gfn);
    const reference = want ?? merged;
    if (reference === undefined) {
      const text = `gfn ${hex(leaf.gfn)}: a leaf that nothing calls for, ${show(leaf)}`;
      found.push({ kind: 'unexpected-leaf', gfn: leaf.gfn, text });
    } else if (!same(reference, leaf)) {
      found.push(wrongType(reference, leaf));
    } else if (want !== undefined && leaf.level > want.maxLevel) {
      const text = `gfn ${hex(leaf.gfn)}: level ${leaf.level} seen, at most ${want.maxLevel} expected`;
      found.push({ kind: 'level-too-high', gfn: leaf.gfn, text });
    }
  }
  for (const leaf of expected.values()) {
    found.push({
      kind: 'missing-leaf',
      gfn: leaf.gfn,
      text: `gfn ${hex(leaf.gfn)}: expected ${show(leaf)}, no leaf seen`,
    });
  }
  return found;
}

function compareZaps(
  effect: Effect,
  seen: NonNullable<Seen['zapped']>,
  made: readonly SeenLeaf[],
): Mismatch[] {
  const found: Mismatch[] = [];
  const gone = new Set(seen.map((leaf) => leaf.gfn));
  const expected = new Set(effect.zapped.map((leaf) => leaf.gfn));
  for (const leaf of effect.zapped) {
    if (!gone.has(leaf.gfn)) {
      found.push({
        kind: 'missing-zap',
        gfn: leaf.gfn,
        text: `gfn ${hex(leaf.gfn)}: the leaf had to be zapped, and stayed`,
      });
    }
  }
  const allowed = [
    ...effect.mayZap,
    ...effect.split.map(leafRange),
    ...made.filter((leaf) => leaf.level > 1).map(leafRange),
  ];
  for (const leaf of seen) {
    if (expected.has(leaf.gfn) || allowed.some((range) => overlaps(range, leafRange(leaf)))) continue;
    found.push({
      kind: 'needless-zap',
      gfn: leaf.gfn,
      text: `gfn ${hex(leaf.gfn)}: the leaf had to stay, and was zapped`,
    });
  }
  return found;
}

function compareOutcome(kind: 'msr' | 'cr0', want: string | undefined, got: string | undefined): Mismatch[] {
  if (got === undefined || want === undefined || want === got) return [];
  const name = kind === 'msr' ? 'the MSR write' : 'the write to CR0';
  const told = (outcome: string): string => (outcome === 'ok' ? 'succeed' : 'fault with #GP');
  return [{ kind, text: `${name} had to ${told(want)}, but did ${told(got)}` }];
}

/** Every difference between what a step had to bring about and what was seen of it. */
export function diffEffect(effect: Effect, seen: Seen): Mismatch[] {
  const found = [
    ...compareOutcome('msr', effect.msr, seen.msr),
    ...compareOutcome('cr0', effect.cr0, seen.cr0),
  ];
  if (seen.refused !== undefined && seen.refused !== (effect.refused !== undefined)) {
    const want = effect.refused === undefined ? 'succeed' : `fail with ${effect.refused}`;
    found.push({
      kind: 'ioctl',
      text: `the ioctl had to ${want}, but did ${seen.refused ? 'fail' : 'succeed'}`,
    });
  }
  if (seen.msrReason !== undefined && effect.msrReason !== undefined && seen.msrReason !== effect.msrReason) {
    const text = `the MSR write had to fail as ${effect.msrReason}, but did as ${seen.msrReason}`;
    found.push({ kind: 'msr-reason', text });
  }
  if (seen.zapCalls !== undefined && seen.zapCalls !== effect.zapCalls.length) {
    const text = `kvm_zap_gfn_range() had to be called ${effect.zapCalls.length} times, but was ${seen.zapCalls} times`;
    found.push({ kind: 'zap-calls', text });
  }
  if (seen.made !== undefined) found.push(...compareMade(effect, seen.made));
  if (seen.zapped !== undefined) found.push(...compareZaps(effect, seen.zapped, seen.made ?? []));
  return found;
}

/** The access event with the level that was really mapped, if it was seen. */
export function seenLevel(event: ModelEvent, seen: Seen): ModelEvent {
  if (event.kind !== 'access') return event;
  const leaf = seen.made?.find(({ gfn, level }) => {
    const range = leafRange({ gfn, level });
    return event.gfn >= range.start && event.gfn < range.end;
  });
  return leaf === undefined ? event : { ...event, level: leaf.level };
}
