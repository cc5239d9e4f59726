import type { StepRecord } from '../../recording/recording.js';
import { covers, type SeenLeaf } from './seen-leaf.js';

/** What happened to one entry. */
export type Move =
  /** A leaf came. `fault`: a guest's fault made it, else KVM did in passing. `over`: what was in its place, if that is told. */
  | { kind: 'make'; leaf: SeenLeaf; fault: boolean; over: 'nothing' | 'table' | 'untold' }
  /** A leaf in the place of a leaf; `fault` as above. */
  | { kind: 'rewrite'; old: SeenLeaf; leaf: SeenLeaf; fault: boolean }
  /** A leaf went. */
  | { kind: 'zap'; leaf: SeenLeaf }
  /** A leaf was set in a table that the TDP MMU does not keep: KVM's shadow of L1's EPT. */
  | { kind: 'shadow'; leaf: SeenLeaf }
  /** kvm_mmu_zap_all_fast() */
  | { kind: 'zap-all' }
  /** What no KVM does in this place. */
  | { kind: 'stray'; gfn: number; text: string };

/** What was seen of one step, in the same form whatever it was seen by. */
export interface StepSeen {
  /** In order. */
  moves: readonly Move[];
  /** Leaves of 4K, 2M and 1G after the step, by KVM's own count; undefined where it was not asked. */
  counts: readonly number[] | undefined;
}

/** A way in which what KVM does to leaves comes to be seen. A new one is a module here and a line in evidenceOf(). */
export interface Evidence {
  /** Whether each zap of a leaf is among the moves. */
  readonly tellsZaps: boolean;
  /** Whether KVM's own count of leaves may come with the moves. */
  readonly hasCounts: boolean;
  /** One fault may map other pages of an aligned group of so many; 1 if it maps only its own. */
  readonly faultGroup: number;
  /** What was seen of a step; undefined if nothing was there to see by. */
  read(record: StepRecord): StepSeen | undefined;
}

/** The level at which a fault mapped `gfn`; `undefined` if none did. */
export function levelOf(moves: readonly Move[], gfn: number): SeenLeaf['level'] | undefined {
  const made = moves.find((m) => m.kind === 'make' && m.fault && covers(m.leaf, gfn));
  return made?.kind === 'make' ? made.leaf.level : undefined;
}
