import { gfnOf, levelBase, PAGE_SHIFT } from '../arch/units.js';
import type { NestedAccessStep, Step } from './types.js';

/** A leaf of L1's EPT: L2 sees `l2` there, L1 knows it as `gfn`. */
export interface NestedMapping {
  /** From 1 on; 0 is the page of L2's own code. */
  readonly id: number;
  readonly l2: bigint;
  readonly gfn: number;
  readonly level: 1 | 2;
  readonly type: NestedAccessStep['type'];
  readonly ipat: boolean;
}

/** The most leaves of L1's EPT that a scenario may have. */
export const NESTED_LIMIT = 256;

/** Where L2 sees leaves of 4 KiB: far from each other, so that KVM maps none along with another (FNAME(pte_prefetch)). */
const SMALL = { base: 0x8000_0000n, stride: 0x1_0000n };
const LARGE = { base: 0xc000_0000n, stride: 0x20_0000n };

/** The level of a step's leaf. */
const nestedLevel = ({ size }: NestedAccessStep): 1 | 2 => (size === '2M' ? 2 : 1);

function keyOf(step: NestedAccessStep): string {
  const gfn = levelBase(gfnOf(step.gpa), nestedLevel(step));
  return `${gfn} ${step.type} ${step.ipat} ${step.size}`;
}

/** L1's EPT for all that L2 does in a scenario: it never changes while the scenario runs. */
export class NestedMappings {
  readonly #byKey = new Map<string, NestedMapping>();

  constructor(steps: readonly Step[]) {
    for (const step of steps) if (step.do === 'nested-access') this.#add(step);
  }

  get all(): readonly NestedMapping[] {
    return [...this.#byKey.values()];
  }

  /** The leaf that a step goes through. */
  of(step: NestedAccessStep): NestedMapping {
    return this.#byKey.get(keyOf(step)) as NestedMapping;
  }

  /** The address that L2 uses in a step. */
  address(step: NestedAccessStep): bigint {
    const { l2, gfn } = this.of(step);
    return l2 + step.gpa - (BigInt(gfn) << PAGE_SHIFT);
  }

  #add(step: NestedAccessStep): void {
    const key = keyOf(step);
    if (this.#byKey.has(key)) return;
    const level = nestedLevel(step);
    const { base, stride } = level === 2 ? LARGE : SMALL;
    const id = this.#byKey.size + 1;
    const gfn = levelBase(gfnOf(step.gpa), level);
    const { type, ipat } = step;
    this.#byKey.set(key, { id, l2: base + stride * BigInt(id - 1), gfn, level, type, ipat });
  }
}
