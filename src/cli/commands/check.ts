import { Command } from 'commander';
import { type Want, wantsOf } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { check, memoryOf } from '../explain/check/findings.js';
import { solve } from '../explain/check/solve.js';
import { parseWant, sortWants } from '../explain/check/wants.js';
import { guestOf } from '../explain/guest.js';
import { addStateOptions, type StateOptions, stateOf } from '../explain/options.js';
import { writeAnswer } from '../explain/write.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addRepeatable } from '../options/values.js';

interface CheckOptions extends StateOptions {
  solve?: true;
  sdm?: true;
  want: Want[];
}

const HELP: Help = {
  what:
    "Check whether a guest's MTRRs are set up right, for the kernel that runs it and by Intel's manual (SDM), or find pairs of MTRRs for what is " +
    'wanted. It needs no KVM.',
  examples: [
    [
      'check --policy 6.1 --noncoherent --mtrr def=UC --mtrr 0=WB@0+4G --mtrr 1=UC@3G+1G --slot ram=0+3G',
      'what is wrong with this set-up on 6.1, and what to do',
    ],
    ['check --solve --want UC --want WB@0+3G --want WB@4G+4G', 'the fewest pairs that give these types'],
  ],
  statuses: [
    [0, 'no error was found, or the pairs are on stdout'],
    [1, 'an error was found, or there are not enough pairs'],
    USAGE_STATUS,
  ],
};

/** `kvm-memtype check`: what is wrong with a guest's MTRRs; with --solve, those that it should have. Touches no device. */
export function checkCommand(): Command {
  const command = addHelp(new Command('check'), HELP)
    .option('--solve', 'find the fewest pairs of MTRRs that give what is wanted')
    .option('--sdm', 'with --solve: right by the SDM is enough; KVM up to 6.10 may differ');
  addRepeatable(
    command,
    '--want <type@start+size>',
    'with --solve: a type for a stretch, over what stands before it, or a type alone for all other memory; without, WB for RAM and UC for devices',
    parseWant,
  );
  return addStateOptions(command, ['--want']).action(async (options: CheckOptions) => {
    const { facts, read } = await stateOf(options);
    const guest = guestOf(facts, 0);
    if (!options.solve && (options.want.length > 0 || options.sdm))
      throw new UsageError('--want and --sdm are for --solve');
    const { maxphyaddr } = guest.situation;
    const wants = options.want.length > 0 ? sortWants(options.want) : wantsOf(memoryOf(facts));
    if (options.solve) {
      const { answer, possible } = solve(wants, maxphyaddr, options.sdm ?? false);
      writeAnswer(answer, read, options.format);
      process.exitCode = possible ? 0 : 1;
      return;
    }
    const { answer, isRight } = check(guest, facts);
    writeAnswer(answer, read, options.format);
    process.exitCode = isRight ? 0 : 1;
  });
}
