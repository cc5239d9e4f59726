import { safeLine } from '../text/safe.js';

/** Exit status of the command line, besides a run's own 0, 1 and 4. */
export const EXIT_ENVIRONMENT = 2;

/** The command line was used wrongly: one sentence that says how it is used. */
export class UsageError extends Error {
  readonly code = 'CLI_USAGE';
}

/** One sentence for an error, whoever threw it: no stack, no line breaks, nothing that a terminal acts on. */
export function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  return safeLine(text) || (error instanceof Error ? error.name : 'unknown error');
}
