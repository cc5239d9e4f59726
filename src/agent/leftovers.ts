import { sweepHostChanges } from '../dma/index.js';
import { findTracefs, sweepTracefs } from '../observe/tracefs.js';

/**
 * Undo what agents that were killed left behind on this host: device bindings and module parameters, tracing instances
 * and probes. Return a sentence for each thing that could not be undone.
 */
export function sweepLeftovers(): string[] {
  const problems = sweepHostChanges();
  const tracefs = findTracefs();
  if ('root' in tracefs) problems.push(...sweepTracefs(tracefs.root));
  return problems;
}
