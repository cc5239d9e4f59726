import { readFile, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { contentKey } from '../../cache.js';
import type { Boot } from '../engine.js';
import { SnapshotError } from './errors.js';

/** Raise it when what is saved, or how, changes. */
const FORMAT = '1';
/** The only one whose saved machines were tried. */
const VERSION = '2.7';

async function findTool(tool: string): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = await realpath(join(folder, tool)).catch(() => undefined);
    if (path !== undefined) return path;
  }
  throw new SnapshotError(`${tool} is not installed`);
}

/** The text stands in the program, which does not print it without a machine. */
function checkVersion(program: Buffer): void {
  if (!program.includes(`\0${VERSION}\0`))
    throw new SnapshotError(`machines can be saved by Bochs ${VERSION} only`);
}

/**
 * What a machine is that stands still before its job: everything that it was made from, by content.
 * @throws SnapshotError if this Bochs cannot save it
 */
export async function snapshotKey(boot: Boot, tool: string, parts: readonly string[]): Promise<string> {
  const program = await readFile(await findTool(tool));
  checkVersion(program);
  const files = [boot.kernel.path, ...boot.initrds, ...parts];
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const { memoryImage, commandLine, memoryMiB, job } = boot;
  const settings = [FORMAT, commandLine, memoryMiB, memoryImage?.file, job?.content.length];
  return contentKey(settings.join('\n'), program, ...contents);
}
