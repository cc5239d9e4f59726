import { safeJson } from '../../text/safe.js';
import { RESULT_VERSION } from '../schema.js';
import type { RunResult } from '../types.js';

/** The run as the JSON that schema/result-v1.json describes. */
export const renderJson = (run: RunResult): string =>
  `${safeJson(JSON.stringify({ schema: 'kvm-memtype/result', version: RESULT_VERSION, ...run }, null, 2))}\n`;
