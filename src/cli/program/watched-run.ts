import { dirname, resolve } from 'node:path';
import { filesChange, stampFiles } from '../../process/file-changes.js';
import { SelectError } from '../../session/select.js';
import { EXIT_ENVIRONMENT, sentenceOf, UsageError } from '../errors.js';
import { interrupted } from '../terminal/interrupt.js';
import { log } from '../terminal/log.js';
import { say } from '../terminal/say.js';

/** What a run writes into what is watched would start the next one, for ever. */
function mustBeApart(watched: readonly string[], written: readonly string[]): void {
  const places = new Set(watched.map((path) => resolve(path)));
  const inside = written.find((file) => places.has(resolve(file)) || places.has(dirname(resolve(file))));
  if (inside !== undefined)
    throw new UsageError(`--watch would see that ${inside} is written: put it into another folder`);
}

/** What no change of a file is likely to mend. */
const isMisuse = (error: unknown): boolean => error instanceof UsageError || error instanceof SelectError;

/**
 * Do something, and do it again whenever files change, until the process is interrupted. An error is told, and watching goes on.
 *
 * @param written files that are written meanwhile
 * @throws UsageError, SelectError where what is asked for can never be done; AbortError once it is interrupted
 */
export async function watchFiles(
  watched: readonly string[],
  written: readonly string[],
  work: () => Promise<void>,
): Promise<never> {
  mustBeApart(watched, written);
  for (let isFirst = true; ; isFirst = false) {
    // What changes while it is read and run is seen afterwards.
    const before = await stampFiles(watched);
    try {
      await work();
    } catch (error) {
      if (interrupted.aborted || (isFirst && isMisuse(error))) throw error;
      say(sentenceOf(error));
      process.exitCode = EXIT_ENVIRONMENT;
    }
    log().info(`waiting for a change of ${watched.join(', ')}; Ctrl-C ends it`);
    await filesChange(watched, before, interrupted);
  }
}
