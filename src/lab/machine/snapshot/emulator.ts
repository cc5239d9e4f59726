import { readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SnapshotError } from './errors.js';

/** The only one whose saved machines were tried. */
const VERSION = '2.7';

function readTool(tool: string): Buffer | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      return readFileSync(realpathSync(join(folder, tool)));
    } catch {
      // It is not in this folder.
    }
  }
  return undefined;
}

/**
 * The emulator's program, undefined if it is not installed.
 * @throws SnapshotError if it is not known to restore what it saved
 */
export function savingProgram(tool: string): Buffer | undefined {
  const program = readTool(tool);
  if (program === undefined) return undefined;
  // The text stands in the program, which does not print it without a machine.
  if (!program.includes(`\0${VERSION}\0`))
    throw new SnapshotError(`machines can be saved by Bochs ${VERSION} only`);
  return program;
}
