import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { perform } from '../../../campaign/jobs/perform.js';
import { type JobLine, orderSchema } from '../../../campaign/jobs/result.js';
import { codeOf } from '../../../campaign/run/losses.js';
import { sentenceOf, UsageError } from '../../errors.js';
import { commandLine } from '../../program/invocation.js';
import { hostInfo, toolInfo } from '../../program/provenance.js';
import { interrupted } from '../../terminal/interrupt.js';

const STDIN = 0;

const print = (line: JobLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function job(): Promise<void> {
  const parsed = orderSchema.safeParse(JSON.parse(readFileSync(STDIN, 'utf8')));
  if (!parsed.success)
    throw new UsageError(
      `it is no job: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
    );
  try {
    const result = await perform(parsed.data, {
      tool: toolInfo(),
      host: hostInfo(),
      commandLine,
      signal: interrupted,
      onProgress: ({ done, total }) => print({ type: 'progress', done, total }),
    });
    print({ type: 'result', result });
  } catch (error) {
    if (interrupted.aborted) throw error;
    print({ type: 'error', code: codeOf(error), text: sentenceOf(error) });
  }
}

/** `kvm-memtype campaign job`: what a campaign starts for each job. Reads an order from standard input. */
export const jobCommand = (): Command => new Command('job').action(job);
