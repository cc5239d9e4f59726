import { Command } from 'commander';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { wholeProgram } from '../../program/commands.js';
import { VERSION } from '../../program/version.js';
import { manualPage } from '../../shell/man.js';
import { commandNode } from '../../shell/tree.js';

/** Today, or the day that a build which is to give the same bytes again says it is: https://reproducible-builds.org/specs/source-date-epoch/. */
function today(): string {
  const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? Number.NaN);
  return (Number.isSafeInteger(seconds) ? new Date(seconds * 1000) : new Date()).toISOString().slice(0, 10);
}

/** `kvm-memtype man`. */
export function manCommand(): Command {
  return addHelp(new Command('man'), {
    what: 'Print the manual page, as man takes it: every command with its options, examples and exit statuses.',
    examples: [
      ['man | man -l -', 'read it'],
      ['man >/usr/local/share/man/man1/kvm-memtype.1', 'have man find it'],
    ],
    statuses: [[0, 'it is printed'], USAGE_STATUS],
  }).action(async () => {
    process.stdout.write(manualPage(commandNode(await wholeProgram()), VERSION, today()));
  });
}
