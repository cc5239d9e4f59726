import type { Command } from 'commander';
import { buildEmulator } from '../../../lab/index.js';
import { safeLine } from '../../../text/safe.js';
import { addHelp, type Help } from '../../options/help.js';
import { whole } from '../../options/values.js';
import { interrupted } from '../../terminal/interrupt.js';
import { withProgress } from '../../terminal/progress.js';
import { say } from '../../terminal/say.js';

interface Options {
  source?: string;
  jobs?: number;
}

const HELP: Help = {
  what:
    'Build the emulator once more from its own sources, for speed, and print the path of its program. From then on the lab restores its saved ' +
    'machines with it. KVM_MEMTYPE_EMULATOR=packaged keeps to the installed one, which boots and saves machines in any case.',
  examples: [
    ['lab build-emulator', "from Debian's source package of the installed version"],
    ['lab build-emulator --source bochs-2.7', 'from a tree of its sources'],
  ],
  statuses: [
    [0, 'it is built, or was already'],
    [2, 'wrong use, or it does not build'],
  ],
};

async function build({ source, jobs }: Options): Promise<void> {
  try {
    const built = await withProgress('building the emulator', (progress) =>
      buildEmulator({
        ...(source !== undefined && { source }),
        ...(jobs !== undefined && { jobs }),
        onProgress: (line) => progress.update(line),
        signal: interrupted,
      }),
    );
    say(`${built.label}: ${built.cached ? 'found in the cache' : `built in ${built.seconds.toFixed(0)} s`}`);
    process.stdout.write(`${built.program}\n`);
  } catch (error) {
    const tail = (error as { tail?: readonly string[] }).tail ?? [];
    for (const line of tail) process.stderr.write(`  ${safeLine(line)}\n`);
    throw error;
  }
}

/** Add `lab build-emulator` to `lab`. */
export function addBuildEmulator(lab: Command): void {
  addHelp(lab.command('build-emulator'), HELP)
    .summary('build the emulator that restores machines faster')
    .option(
      '--source <folder>',
      "a tree of Bochs' sources; Debian's package of the installed version if not given",
    )
    .option('--jobs <n>', 'compile this many files at a time', whole(1, 1024))
    .action(build);
}
