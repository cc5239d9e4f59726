import { z } from 'zod';
import { incomplete, resultSet, runResult, scenarioResult } from '../schema.js';

/** Raised when a record changes its meaning or goes. */
const JOURNAL_VERSION = 1;

/** A run before its first set. */
export const runHeader = runResult.omit({ sets: true, durationMs: true, incomplete: true });
const setHeader = resultSet.omit({ scenarios: true, durationMs: true, crashed: true, incomplete: true });
const setEnd = resultSet.omit({ scenarios: true, incomplete: true });

/** What a line of a journal may be: the results of a run in the order in which they came. */
export const journalRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    schema: z.literal('kvm-memtype/journal'),
    version: z.literal(JOURNAL_VERSION),
    run: runHeader,
  }),
  z.object({ type: z.literal('set'), set: setHeader }),
  z.object({ type: z.literal('started'), scenario: z.string() }),
  z.object({ type: z.literal('scenario'), result: scenarioResult }),
  z.object({ type: z.literal('set-end'), set: setEnd }),
  z.object({
    type: z.literal('end'),
    durationMs: z.number().nonnegative(),
    incomplete: incomplete.optional(),
  }),
]);

export type JournalRecord = z.infer<typeof journalRecord>;

/** The record that a journal begins with. */
export const runRecord = (run: z.infer<typeof runHeader>): JournalRecord => ({
  type: 'run',
  schema: 'kvm-memtype/journal',
  version: JOURNAL_VERSION,
  run,
});
