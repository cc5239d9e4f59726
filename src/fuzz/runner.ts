import { deathText } from '../report/formats/crash.js';
import type { ResultSet, ScenarioResult, SetHeader } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { runSession, type SessionListener, type SessionRequest } from '../session/session.js';

/** Where random scenarios run. */
export type FuzzSession = Omit<SessionRequest, 'scenarios' | 'repeat' | 'rerun'>;

/** Runs scenarios on one kernel in batches. */
export class Runner {
  /** Known after the first batch. */
  policy: ResultSet['policy'] | undefined;
  /** What the kernel is: known after the first batch. */
  kernel: SetHeader | undefined;
  /** What ended machines early, each once. */
  readonly deaths = new Set<string>();

  constructor(
    readonly session: FuzzSession,
    readonly listener: SessionListener,
  ) {}

  /**
   * The result of each scenario, in order.
   * @param isLast where it says so of a result, no scenario after that is waited for, or told of
   * @throws as runSession() does
   */
  async run(
    scenarios: readonly Scenario[],
    isLast: (result: ScenarioResult) => boolean = () => false,
  ): Promise<readonly ScenarioResult[]> {
    // Scenarios are told apart by name, and all cuts of one have its own.
    const named = scenarios.map((scenario, i) => ({ ...scenario, name: `fuzz/n${i}` }));
    const known = this.policy?.name;
    const enough = new AbortController();
    const results: ScenarioResult[] = [];
    const run = runSession(
      {
        ...this.session,
        // What told the policy once need not run again.
        policy: known === undefined || known === 'unknown' ? this.session.policy : known,
        scenarios: named,
        repeat: 1,
        rerun: (name) => name,
        signal: AbortSignal.any([enough.signal, ...(this.session.signal ? [this.session.signal] : [])]),
      },
      {
        ...this.listener,
        header: (header) => {
          this.kernel ??= header;
        },
        scenario: (result) => {
          if (enough.signal.aborted) return;
          results.push(result);
          if (isLast(result)) enough.abort();
        },
      },
    );
    const set = await run.catch((error: unknown) => {
      if (enough.signal.aborted && !this.session.signal?.aborted) return undefined;
      throw error;
    });
    this.policy ??= set?.policy ?? this.kernel?.policy;
    if (set?.crashed !== undefined) this.deaths.add(deathText(set.crashed));
    const byName = new Map(results.map((result) => [`${result.family}/${result.name}`, result]));
    return named.flatMap(({ name }) => {
      const result = byName.get(name);
      if (result === undefined && !enough.signal.aborted)
        throw new Error(`the session gave no result for ${name}`);
      return result ?? [];
    });
  }
}
