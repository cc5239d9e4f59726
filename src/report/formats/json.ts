import { jsonPieces } from '../../text/json.js';
import { RESULT_VERSION } from '../schema.js';
import type { RunResult } from '../types.js';

/** The run as the JSON that schema/result-v1.json describes, in pieces. */
export function* resultPieces(run: RunResult): Generator<string> {
  yield* jsonPieces((hold) => ({
    schema: 'kvm-memtype/result',
    version: RESULT_VERSION,
    ...run,
    sets: run.sets.map((set) => ({ ...set, scenarios: hold(set.scenarios) })),
  }));
  yield '\n';
}

/** The run as the JSON that schema/result-v1.json describes. */
export const renderJson = (run: RunResult): string => [...resultPieces(run)].join('');
