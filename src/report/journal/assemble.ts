import type { Incomplete, ResultSet, RunHeader, RunResult, ScenarioResult, SetHeader } from '../types.js';
import type { JournalRecord } from './records.js';

/** Records of a run are not in an order that a run can have. */
export class RecordError extends Error {
  readonly code = 'REPORT_RECORD';
}

/** A set that has begun and has not ended. */
interface OpenSet {
  header: SetHeader;
  scenarios: ScenarioResult[];
}

type End = Extract<JournalRecord, { type: 'end' }>;

/** Why a run ends early that wrote no end. */
export const UNFINISHED: Incomplete = {
  reason: 'unfinished',
  text: 'the run did not reach its end, or has not yet',
};

const total = (timed: readonly { durationMs: number }[]): number =>
  timed.reduce((sum, { durationMs }) => sum + durationMs, 0);

const withProgress = (
  { reason, text }: Incomplete,
  done: number,
  planned: number | undefined,
  what: string,
) => ({
  reason,
  text: planned === undefined ? text : `${text}; ${done} of ${planned} ${what} done`,
});

/**
 * Puts a run together from its records, one by one. A run that is reported as it goes and a journal that is read later come
 * to the same result by it.
 */
export class Assembler {
  #header: RunHeader | undefined;
  #end: End | undefined;
  #open: OpenSet | undefined;
  readonly #sets: ResultSet[] = [];
  /** Scenarios that began and have no result. */
  readonly #running = new Set<string>();

  /** @throws RecordError */
  take(record: JournalRecord): void {
    if ((record.type === 'run') !== (this.#header === undefined))
      throw new RecordError('a run begins once, and first');
    if (this.#end !== undefined) throw new RecordError('nothing follows the end of a run');
    switch (record.type) {
      case 'run':
        this.#header = record.run;
        break;
      case 'set':
        if (this.#open !== undefined)
          throw new RecordError('a set begins before the one before it has ended');
        this.#open = { header: record.set, scenarios: [] };
        break;
      case 'started':
        this.#running.add(record.scenario);
        break;
      case 'scenario':
        this.#running.delete(`${record.result.family}/${record.result.name}`);
        this.#opened().scenarios.push(record.result);
        break;
      case 'set-end':
        this.#sets.push({ ...record.set, scenarios: this.#opened().scenarios });
        this.#open = undefined;
        this.#running.clear();
        break;
      case 'end':
        this.#end = record;
    }
  }

  #opened(): OpenSet {
    if (this.#open === undefined) throw new RecordError('a result without a set');
    return this.#open;
  }

  /** Whether there is anything to report. */
  get isEmpty(): boolean {
    return this.#sets.length === 0 && this.#open === undefined;
  }

  /**
   * The run as far as it came.
   * @throws RecordError if it has not begun
   */
  run(): RunResult {
    if (this.#header === undefined) throw new RecordError('a run begins once, and first');
    const why = this.#end === undefined ? UNFINISHED : this.#end.incomplete;
    const broken = this.#broken(why ?? UNFINISHED);
    const sets = [...this.#sets, ...broken];
    const early =
      why === undefined && broken.length === 0
        ? undefined
        : withProgress(why ?? UNFINISHED, this.#sets.length, this.#header.planned, 'kernels');
    return {
      ...this.#header,
      durationMs: this.#end?.durationMs ?? total(sets),
      sets,
      ...(early && { incomplete: early }),
    };
  }

  #broken(why: Incomplete): ResultSet[] {
    if (this.#open === undefined) return [];
    const { header, scenarios } = this.#open;
    const early = withProgress(why, scenarios.length, header.planned, 'scenarios');
    const running = why.reason === 'unfinished' ? [...this.#running] : [];
    const text =
      running.length > 0 ? `${early.text}; begun and without a result: ${running.join(', ')}` : early.text;
    return [{ ...header, durationMs: total(scenarios), scenarios, incomplete: { ...early, text } }];
  }
}
