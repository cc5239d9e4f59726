import type { Command } from 'commander';
import { isPostgres } from '../../../campaign/past/address.js';
import { hasPassword } from '../../../campaign/queue/server/address.js';
import { UsageError } from '../../errors.js';
import { queueUrl } from './queue.js';

const VARIABLE = 'KVM_MEMTYPE_INDEX';

/** The address of an index on the command line, where everybody on the machine can read it. */
function indexOption(text: string): string {
  if (!isPostgres(text)) throw new UsageError('--index needs a URL such as postgres://host/database');
  if (hasPassword(new URL(text)))
    throw new UsageError(
      `--index has a password, which others can read there: put the URL into the variable ${VARIABLE} instead`,
    );
  return text;
}

/** The PostgreSQL that has the index of earlier runs: one that was named, else that of the queue; undefined for a file. */
export function indexUrl({ index, queue }: { index?: string; queue?: string }): string | undefined {
  const named = index ?? (process.env[VARIABLE] || undefined);
  const queued = queueUrl(queue);
  return named ?? (queued !== undefined && isPostgres(queued) ? queued : undefined);
}

/** Let a command be told where the index is. */
export const withIndex = (command: Command): Command =>
  command.option('--index <url>', 'keep the index of earlier runs in this PostgreSQL', indexOption);
