import { statSync } from 'node:fs';
import { checkWritable } from '../../process/output-file.js';
import type { OutputPlan } from '../../report/outputs.js';
import { UsageError } from '../errors.js';

/**
 * Check before a run that its recording can be written into a file of its own: it is renamed into its place, so it must be a regular one.
 * @throws UsageError, OutputError
 */
export function checkRecord(
  file: string | undefined,
  journal: string | undefined,
  plans: readonly OutputPlan[],
): void {
  if (file === undefined) return;
  if (plans.some((plan) => plan.file === file)) throw new UsageError(`--record ${file} is an --output too`);
  if (file === journal) throw new UsageError(`--record ${file} is the --journal too`);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw new UsageError(`--record ${file} is not a regular file`);
  checkWritable(file, '--record');
}
