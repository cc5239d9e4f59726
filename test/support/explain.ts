import { explainCommand } from '../../src/cli/commands/explain.js';
import { printedBy } from './printed.js';

/**
 * What `kvm-memtype explain` prints.
 * @throws whatever it ends with
 */
export const explain = (...args: string[]): Promise<string> => printedBy(explainCommand(), args);

/** The same as JSON. */
export const explainJson = async (...args: string[]) =>
  JSON.parse(await explain('--format', 'json', ...args));
