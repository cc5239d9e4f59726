import type { ResultSet, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { runSession, type SessionListener, type SessionRequest } from '../session/session.js';

/** Where random scenarios run. */
export type FuzzSession = Omit<SessionRequest, 'scenarios' | 'repeat' | 'rerun'>;

/** Runs scenarios on one kernel in batches, with a boot for each. */
export class Runner {
  /** Known after the first batch. */
  policy: ResultSet['policy'] | undefined;
  /** What the kernel is: known after the first batch. */
  kernel: SetHeader | undefined;

  constructor(
    readonly session: FuzzSession,
    readonly listener: SessionListener,
  ) {}

  /**
   * The result of each scenario, in order.
   * @throws as runSession() does
   */
  async run(scenarios: readonly Scenario[]): Promise<readonly ScenarioResult[]> {
    // Scenarios are told apart by name, and all cuts of one have its own.
    const named = scenarios.map((scenario, i) => ({ ...scenario, name: `fuzz/n${i}` }));
    const known = this.policy?.name;
    const set = await runSession(
      {
        ...this.session,
        // What told the policy once need not run again.
        policy: known === undefined || known === 'unknown' ? this.session.policy : known,
        scenarios: named,
        repeat: 1,
        rerun: (name) => name,
      },
      {
        ...this.listener,
        header: (header) => {
          this.kernel ??= header;
        },
        scenario: () => undefined,
      },
    );
    this.policy ??= set.policy;
    const byName = new Map(set.scenarios.map((result) => [`${result.family}/${result.name}`, result]));
    return named.map(({ name }) => {
      const result = byName.get(name);
      if (result === undefined) throw new Error(`the session gave no result for ${name}`);
      return result;
    });
  }
}
