import { statSync } from 'node:fs';
import { checkWritable } from '../../process/output-file.js';
import { Journal, journalBeside } from '../../report/journal/journal.js';
import type { OutputPlan } from '../../report/outputs.js';
import { UsageError } from '../errors.js';
import { log } from '../terminal/log.js';

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;

/**
 * Where a run's journal goes: to the file that was named, which is kept; else beside the first output that is a regular file,
 * until the outputs are written. Without either there is none.
 * @throws UsageError, OutputError
 */
export function journalFor(
  plans: readonly OutputPlan[],
  named: string | undefined,
): { file: Journal; keep: boolean } | undefined {
  const files = plans.flatMap(({ file }) => file ?? []);
  if (named !== undefined) {
    if (files.includes(named)) throw new UsageError(`--journal ${named} is an --output too`);
    if (!isFile(named)) throw new UsageError(`--journal ${named} is not a regular file`);
    checkWritable(named);
  }
  const beside = files.find(isFile);
  const file = named ?? (beside === undefined ? undefined : journalBeside(beside));
  if (file === undefined) return undefined;
  const warn = ({ message }: Error): void => log().warn(`no journal is kept any more in ${file}: ${message}`);
  return { file: new Journal(file, warn), keep: named !== undefined };
}
