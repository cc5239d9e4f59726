import { constants } from 'node:fs';
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type BuiltKernel, buildKernel } from '../lab/index.js';
import { startProgress } from '../progress.js';
import { safeLine } from '../safe-text.js';
import { UsageError } from './errors.js';
import { interrupted } from './interrupt.js';
import { addRepeatable, existingFile, outputFile, whole } from './options.js';
import { say } from './say.js';

interface BuildOptions {
  source: string;
  patch: string[];
  config: string[];
  output?: string;
  jobs?: number;
  refresh?: boolean;
}

/** What the sources are: the lab looks at all else about them. */
function source(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('debian:<version>, a kernel tree or a tarball is needed.');
}

async function buildKernelFor(options: BuildOptions): Promise<void> {
  const output = options.output === undefined ? undefined : resolve(options.output);
  // Say so before the build, not after it.
  if (output !== undefined) await mustBePlaceable(output);
  const built = await make(options);
  if (output !== undefined) await place(built.bzImage, output);
  const how = built.cached ? 'found in the cache' : `built in ${built.seconds.toFixed(0)} s`;
  say(`${built.label}: ${how}`);
  process.stdout.write(`${output ?? built.bzImage}\n`);
}

async function make(options: BuildOptions): Promise<BuiltKernel> {
  using progress = startProgress(`building ${options.source}`);
  try {
    return await buildKernel({
      source: options.source,
      patches: options.patch,
      configs: options.config,
      refresh: options.refresh ?? false,
      ...(options.jobs !== undefined && { jobs: options.jobs }),
      onProgress: (line) => progress.update(line),
      signal: interrupted,
    });
  } catch (error) {
    progress.done('failed');
    const tail = (error as { tail?: readonly string[] }).tail ?? [];
    for (const line of tail) process.stderr.write(`  ${safeLine(line)}\n`);
    throw error;
  }
}

async function mustBePlaceable(output: string): Promise<void> {
  const info = await stat(output).catch(() => undefined);
  if (info?.isDirectory()) throw new UsageError(`--output ${output} is a directory`);
  const parent = await stat(dirname(output)).catch(() => undefined);
  if (!parent?.isDirectory()) throw new UsageError(`--output ${output}: there is no such directory`);
}

/** Copy under another name first: whoever reads the output sees the old image or the new one, never a part. */
async function place(image: string, output: string): Promise<void> {
  const partial = `${output}.${process.pid}.tmp`;
  try {
    await copyFile(image, partial, constants.COPYFILE_FICLONE);
    await rename(partial, output);
  } finally {
    await rm(partial, { force: true });
  }
}

/** `kvm-memtype kernel`. */
export function kernelCommand(): Command {
  const command = new Command('kernel').description('Build kernels to run on.');
  const build = command
    .command('build')
    .description(
      'Build a small kernel for the lab and print the path of its bzImage. What was built before is taken from the cache. ' +
        'The source tree that is named is never written to.',
    )
    .requiredOption(
      '--source <source>',
      'debian:<version>, as in debian:6.1; a kernel tree; or a tarball of one',
      source,
    )
    .option('--output <bzImage>', 'copy the image here', outputFile)
    .option('--jobs <n>', 'compile this many files at a time', whole(1, 1024))
    .option('--refresh', "ask Debian's mirror for a newer source although one is cached")
    .action(buildKernelFor);
  addRepeatable(build, '--patch <file>', 'apply a unified diff first (-p1)', existingFile);
  addRepeatable(build, '--config <file>', 'further options, NAME=value', existingFile);
  return command;
}
