import type { MemslotStep } from '../../scenario/types.js';
import { call } from './words.js';

/** What of the reproducer's parts a scenario uses. */
export class Uses {
  readonly snippets = new Set<string>();
  readonly ops = new Set<string>();
  readonly kinds = new Set<MemslotStep['backing']>();
  readonly ways = new Set<string>();

  constructor(
    readonly seesLeaves: boolean,
    readonly seesL2: boolean,
  ) {}

  add(snippet: string): void {
    this.snippets.add(snippet);
  }

  /** A command of the guest. */
  op(name: string): void {
    this.ops.add(name);
  }

  /** Memory of this kind is made. */
  kind(backing: MemslotStep['backing']): void {
    this.kinds.add(backing);
  }

  /** A call of a part, whose function has its name unless told. */
  call(snippet: string, args: readonly string[], name = snippet): string[] {
    this.add(snippet);
    return call(name, args);
  }
}
