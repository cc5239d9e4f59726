import { CampaignError } from '../errors.js';

/** Tells people of something: `warn` if it should not be so. */
export type Tell = (text: string, how: 'info' | 'warn') => void;

/**
 * What is read of earlier runs, or undefined after telling why not: one of them that is damaged must not cost the others, or a new run, its
 * report.
 * @param what it is
 */
export function orLeftOut<T>(what: string, read: () => T, tell: Tell): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CampaignError)) throw error;
    tell(`${what} is left out: ${error.message}`, 'warn');
    return undefined;
  }
}

/** Tells the same once. */
export function onceOnly(tell: Tell): Tell {
  const told = new Set<string>();
  return (text, how) => {
    if (!told.has(text)) tell(text, how);
    told.add(text);
  };
}
