/**
 * Results of runs: read what `kvm-memtype run` saved, and write it in any format.
 *
 * - `parseResults()` reads what `--format json` wrote, or a journal, from a text; `readResults()` from a file.
 * - `renderResults()` writes them in any of the `FORMATS`; `resultJsonSchema()` describes the JSON.
 * - `summarize()` counts, `exitStatus()` tells whether something is wrong, as the program's own status does.
 *
 * @module
 */

export { parseResults, readSaved as readResults, SavedError } from './report/journal/saved.js';
export { resultJsonSchema } from './report/json-schema.js';
export { FORMATS, type Format } from './report/outputs.js';
export { renderResults } from './report/report.js';
export { RESULT_VERSION } from './report/schema.js';
export { type Counted, exitStatus, type Summary, summarize } from './report/summary.js';
export type * from './report/types.js';
