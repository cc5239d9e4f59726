import type { Watch } from '../check/watch/watch.js';
import type { Policy } from '../memtype/index.js';
import { History } from './history.js';
import type { CoveredMachine } from './impossible.js';
import { type CoverageReport, Tally } from './tally.js';

/** What of the state space recordings exercised and showed, on a kernel of one policy. */
export class Coverage {
  readonly #tally: Tally;

  constructor(policy: Policy, machine: CoveredMachine) {
    this.#tally = new Tally(policy, machine);
  }

  /** Looks on while the recording of one scenario is judged. */
  watch(): Watch {
    const history = new History();
    return (step) => {
      const moment = history.take(step);
      if (moment !== undefined && step.observed) this.#tally.add(moment);
    };
  }

  report(): CoverageReport {
    return this.#tally.report();
  }
}
