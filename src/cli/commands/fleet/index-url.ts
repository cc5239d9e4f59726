import type { Command } from 'commander';
import { UsageError } from '../../errors.js';
import { queueUrl } from './queue.js';

const VARIABLE = 'KVM_MEMTYPE_INDEX';
const POSTGRES = /^postgres(?:ql)?:$/;

/** The address of an index on the command line, where everybody on the machine can read it. */
function indexOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !POSTGRES.test(url.protocol))
    throw new UsageError('--index needs a URL such as postgres://host/database');
  if (url.password !== '' || url.searchParams.has('password'))
    throw new UsageError(
      `--index has a password, which others can read there: put the URL into the variable ${VARIABLE} instead`,
    );
  return text;
}

/** The PostgreSQL that has the index of earlier runs: one that was named, else that of the queue; undefined for a file. */
export function indexUrl({ index, queue }: { index?: string; queue?: string }): string | undefined {
  const named = index ?? (process.env[VARIABLE] || undefined);
  const queued = queueUrl(queue);
  const isPostgres = queued !== undefined && URL.canParse(queued) && POSTGRES.test(new URL(queued).protocol);
  return named ?? (isPostgres ? queued : undefined);
}

/** Let a command be told where the index is. */
export const withIndex = (command: Command): Command =>
  command.option('--index <url>', 'keep the index of earlier runs in this PostgreSQL', indexOption);
