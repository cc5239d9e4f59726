import { hasLegacyMmu } from '../../recording/mmu.js';
import type { Environment } from '../../recording/recording.js';
import type { Evidence } from './evidence.js';
import { legacyTrace, unmarkedTrace } from './legacy-trace.js';
import { tdpTrace } from './tdp-trace.js';

export { type Evidence, levelOf, type Move, type StepSeen } from './evidence.js';
export { covers, leafOf, matches, type SeenLeaf, sameLeaf, sameMapping, show, typeOf } from './seen-leaf.js';

/** The kind of evidence that the recordings of a machine hold. */
export function evidenceOf(env: Environment): Evidence {
  if (env.tracesChanges === false) return unmarkedTrace;
  return hasLegacyMmu(env) ? legacyTrace : tdpTrace;
}
