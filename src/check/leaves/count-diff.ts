import type { Checks, Fail } from '../verdict.js';
import type { SeenLeaves } from './seen-leaves.js';

/** Holds KVM's own count of leaves against those that there should be. */
export class CountDiff {
  /** By how much the count was off after the step before, by level: one fault is told once. */
  #drift = [0, 0, 0];

  constructor(
    readonly leaves: SeenLeaves,
    readonly checks: Checks,
    readonly fail: Fail,
  ) {}

  /**
   * @param counts leaves of 4K, 2M and 1G
   * @param believed zaps of the step that nothing else showed
   */
  judge(counts: readonly number[], believed: number): void {
    const drift = counts.map((count, i) => count - this.leaves.count(i + 1));
    if (drift.every((n, i) => n === this.#drift[i])) {
      this.checks.zaps += believed;
    } else {
      const expected = counts.map((_, i) => this.leaves.count(i + 1) + (this.#drift[i] ?? 0));
      const levels = `${expected.join(' + ')} (4K + 2M + 1G)`;
      this.fail('number of leaves', `${levels} after ${believed} zaps`, counts.join(' + '));
    }
    this.#drift = drift;
  }
}
