import { readFile } from 'node:fs/promises';
import { contentKey } from '../../cache.js';
import type { Boot } from '../engine.js';

/** Raise it when what is saved, or how, changes. */
const FORMAT = '3';

/**
 * What a machine is that stands still before its job: everything that it was made from, by content. A kernel's modules are not part of it:
 * they are taken out before it is saved, and it is used with others.
 */
export async function snapshotKey(boot: Boot, program: Buffer, parts: readonly string[]): Promise<string> {
  const files = [...boot.initrds.filter((part) => part !== boot.modulesPart), ...parts];
  const contents = [boot.kernel.bzImage, ...(await Promise.all(files.map((file) => readFile(file))))];
  const { memoryImage, commandLine, memoryMiB, job } = boot;
  const settings = [FORMAT, commandLine, memoryMiB, memoryImage?.file, job?.content.length];
  return contentKey(settings.join('\n'), program, ...contents);
}
