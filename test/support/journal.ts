import { fullName } from '../../src/report/formats/text.js';
import { type JournalRecord, runRecord } from '../../src/report/journal/records.js';
import type { RunResult } from '../../src/report/types.js';

/** The records that a run leaves which comes to this result. */
export function recordsOf({ sets, durationMs, ...begin }: RunResult): JournalRecord[] {
  const records = sets.flatMap(({ scenarios, ...set }): JournalRecord[] => [
    { type: 'set', set },
    ...scenarios.flatMap((result): JournalRecord[] => [
      { type: 'started', scenario: fullName(result) },
      { type: 'scenario', result },
    ]),
    { type: 'set-end', set },
  ]);
  return [runRecord(begin), ...records, { type: 'end', durationMs }];
}

/** The journal of a run that comes to this result. */
export const journalOf = (run: RunResult): string =>
  recordsOf(run)
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');
