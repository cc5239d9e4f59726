import type { Status } from '../../report/types.js';
import type { Job } from '../jobs/job.js';
import type { JobResult } from '../jobs/result.js';
import type { Results } from '../report/read.js';
import type { Done } from '../store/records.js';

/** What a scenario of a job came to in its repetitions: each status once, in the order of statusOrder. */
export interface Outcome {
  /** `family/name`, or RANDOM. */
  scenario: string;
  /** Statuses; of random scenarios `pass`, or what was found. */
  seen: readonly string[];
}

/** Stands for all random scenarios of a seed. */
const RANDOM = 'random scenarios';

/** The gravest first, as everywhere. */
const ORDER: readonly string[] = ['fail', 'timeout', 'error', 'pass', 'skip'] satisfies Status[];

const sorted = (seen: Iterable<string>): string[] =>
  [...seen].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));

/** What each scenario of a result came to. */
function outcomesIn(result: JobResult): Outcome[] {
  if (result.kind === 'build') return [];
  if (result.kind === 'fuzz') {
    const found = result.fuzz.finds.map((find) => find.found).join(', ');
    return [{ scenario: RANDOM, seen: [found || 'pass'] }];
  }
  const seen = new Map<string, Set<string>>();
  for (const { family, name, status } of result.run.sets.flatMap(({ scenarios }) => scenarios)) {
    const scenario = `${family}/${name}`;
    const statuses = seen.get(scenario);
    if (statuses === undefined) seen.set(scenario, new Set([status]));
    else statuses.add(status);
  }
  return [...seen].map(([scenario, statuses]) => ({ scenario, seen: sorted(statuses) }));
}

/** Names what a result came to, in whatever run: results of one key have the same outcomes. */
export const outcomesKey = (kind: Job['kind'], { digest }: Pick<Done, 'digest'>): string =>
  `${kind}:${digest}`;

/** What results came to, scenario by scenario. Of those that came to the same one is read. */
export class Outcomes {
  readonly #known = new Map<string, readonly Outcome[]>();

  constructor(private readonly results: Results) {}

  /** @throws CampaignError CAMPAIGN_OBJECT */
  of(kind: Job['kind'], done: Pick<Done, 'digest' | 'object'>): readonly Outcome[] {
    const key = outcomesKey(kind, done);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = outcomesIn(this.results.read(done.object));
    this.#known.set(key, made);
    return made;
  }
}
