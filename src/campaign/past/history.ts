import { type Took, tookOf } from '../jobs/estimate.js';
import type { Table } from '../jobs/table.js';
import type { Results } from '../report/read.js';
import type { CampaignFolder, SavedRun } from '../store/folder.js';
import { orLeftOut, type Tell } from './left-out.js';
import { Outcomes } from './outcomes.js';
import { type Past, pastOf } from './past.js';

/** What a scenario came to on a kernel in a run. */
export interface Entry {
  number: number;
  kernel: string;
  variant: string;
  scenario: string;
  /** The gravest first. */
  seen: readonly string[];
}

/** A run that is over. */
export interface PastRun {
  number: number;
  tool: string;
  startedAt: number;
}

/** What can be asked of a campaign's runs that are over. */
export interface History {
  /** What the runs before this one came to. */
  past(number: number): Promise<Past>;
  /** How long jobs took. */
  took(): Promise<Took[]>;
  /** The runs, the oldest first. */
  runs(): Promise<PastRun[]>;
  /** What scenarios came to in all runs; unless `all`, only where some run failed or differed in itself. Random ones aside. */
  entries(o: { all: boolean }): Promise<Entry[]>;
  close(): Promise<void>;
}

const PLAIN = new Set(['pass', 'skip']);

/** What is told of scenarios that did not merely pass, or were skipped, in each run. */
export function notPlain(entries: readonly Entry[]): Entry[] {
  const isPlain = (seen: readonly string[]): boolean => seen.length === 1 && PLAIN.has(seen[0] as string);
  const keyOf = ({ kernel, variant, scenario }: Entry): string => [kernel, variant, scenario].join('\n');
  const wanted = new Set(entries.flatMap((entry) => (isPlain(entry.seen) ? [] : [keyOf(entry)])));
  return entries.filter((entry) => wanted.has(keyOf(entry)));
}

/** History as the files of a campaign have it: right, but all journals are read for every question. */
export class FileHistory implements History {
  readonly #known = new Map<number, Table | undefined>();

  constructor(
    private readonly folder: CampaignFolder,
    private readonly results: Results,
    /** Told of runs that cannot be read. */
    private readonly tell: Tell,
  ) {}

  #table(number: number): Table | undefined {
    if (!this.#known.has(number)) {
      const read = () => this.folder.read(number).table;
      this.#known.set(number, orLeftOut(`run ${number}`, read, this.tell));
    }
    return this.#known.get(number);
  }

  /** The runs before this one that came to their end: a journal can be large, and no other is read. */
  #ended(before = Number.POSITIVE_INFINITY): SavedRun[] {
    const numbers = this.folder.numbers().filter((number) => number < before);
    return numbers.flatMap((number) => {
      const table = this.#table(number);
      return table?.state === 'ended' ? [{ number, table }] : [];
    });
  }

  async past(number: number): Promise<Past> {
    return this.pastNow(number);
  }

  /** What the runs before this one came to. */
  pastNow(number: number): Past {
    return pastOf(this.#ended(number), this.results, this.tell);
  }

  async took(): Promise<Took[]> {
    return tookOf(this.#ended().map(({ table }) => table));
  }

  async runs(): Promise<PastRun[]> {
    return this.#ended().map(({ number, table: { plan, startedAt } }) => ({
      number,
      tool: plan.tool,
      startedAt,
    }));
  }

  async entries({ all }: { all: boolean }): Promise<Entry[]> {
    const outcomes = new Outcomes(this.results);
    const entries = this.#ended().flatMap(
      (run) => orLeftOut(`run ${run.number}`, () => entriesOf(run, outcomes), this.tell) ?? [],
    );
    return all ? entries : notPlain(entries);
  }

  async close(): Promise<void> {}
}

const entriesOf = ({ number, table }: SavedRun, outcomes: Outcomes): Entry[] =>
  table.kernels
    .flatMap(({ cells }) => cells)
    .flatMap(({ kernel, variant, jobs }) =>
      jobs.flatMap(({ id, job }) => {
        const done = job.kind === 'run' ? table.jobs.get(id)?.result : undefined;
        const own = done === undefined ? [] : outcomes.of(job.kind, done);
        return own.map((outcome) => ({ number, kernel, variant, ...outcome }));
      }),
    );
