import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { checkWritable, writeOutput } from '../../process/output-file.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addRepeatable, existingFile, outputFile, whole } from '../options/values.js';
import { build } from '../program/build.js';
import { say } from '../terminal/say.js';

interface BuildOptions {
  source: string;
  patch: string[];
  config: string[];
  output?: string;
  jobs?: number;
  refresh?: boolean;
  counted?: boolean;
}

/** What the sources are: the lab looks at all else about them. */
function source(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('debian:<version>, a kernel tree or a tarball is needed.');
}

async function buildKernelFor(options: BuildOptions): Promise<void> {
  const { output } = options;
  // Say so before the build, not after it.
  if (output !== undefined) checkWritable(output);
  const built = await build({
    source: options.source,
    patches: options.patch,
    configs: options.config,
    refresh: options.refresh ?? false,
    counted: options.counted ?? false,
    ...(options.jobs !== undefined && { jobs: options.jobs }),
  });
  if (output !== undefined) writeOutput(output, await readFile(built.bzImage));
  const how = built.cached ? 'found in the cache' : `built in ${built.seconds.toFixed(0)} s`;
  say(`${built.label}: ${how}`);
  // Where the image goes to stdout itself, nothing else may.
  if (output !== '/dev/stdout') process.stdout.write(`${resolve(output ?? built.bzImage)}\n`);
}

const BUILD: Help = {
  what:
    'Build a small kernel for the lab and print the path of its bzImage. What was built before is taken from the cache. ' +
    'The source tree that is named is never written to.',
  examples: [
    ['kernel build --source debian:6.1 --output bzImage-6.1', "Debian's 6.1, copied here"],
    [
      'kernel build --source debian:6.1 --patch kernels/patches/p2-per-vm-mtrr-6.1.patch',
      'the same with a patch; a tree or a tarball of your own goes as --source too',
    ],
  ],
  statuses: [
    [0, 'the path of the image is on stdout'],
    [USAGE_STATUS[0], `${USAGE_STATUS[1]}, or it does not build`],
  ],
};

/** `kvm-memtype kernel`. */
export function kernelCommand(): Command {
  const command = addHelp(new Command('kernel'), { ...BUILD, what: 'Build kernels to run on.' });
  const buildSubcommand = addHelp(command.command('build'), BUILD)
    .summary('build a small kernel for the lab and print the path of its bzImage')
    .requiredOption(
      '--source <source>',
      'debian:<version>, as in debian:6.1; a kernel tree; or a tarball of one',
      source,
    )
    .option(
      '--output <bzImage>',
      'write the image here; a device or a pipe is written to, not replaced',
      outputFile,
    )
    .option('--jobs <n>', 'compile this many files at a time', whole(1, 1024))
    .option('--refresh', "ask Debian's mirror for a newer source although one is cached")
    .option('--counted', 'have it count how often each piece of KVM’s code runs, for `run --kernel-coverage`')
    .action(buildKernelFor);
  addRepeatable(buildSubcommand, '--patch <file>', 'apply a unified diff first (-p1)', existingFile);
  addRepeatable(buildSubcommand, '--config <file>', 'further options, NAME=value', existingFile);
  return command;
}
