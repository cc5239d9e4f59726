import { Command } from 'commander';
import { answer } from '../explain/answer.js';
import { parseGpa, parseMsrNumber } from '../explain/args.js';
import { addStateOptions, numeric, type StateOptions, stateOf } from '../explain/options.js';
import type { Question } from '../explain/question.js';
import { MOST_VCPUS } from '../explain/state.js';
import { parseThen } from '../explain/then/events.js';
import { writeAnswer } from '../explain/write.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addRepeatable, whole } from '../options/values.js';

const HELP: Help = {
  what:
    "Tell why a page of a guest has its memory type, under each policy (a kernel's rules) and by Intel's manual (SDM). " +
    'It needs no KVM.',
  examples: [
    [
      'explain --policy 6.1 --noncoherent --mtrr def=WB --mtrr 0=UC@3G+1G --gpa 0xc0000000',
      'one page of a guest on 6.1 that has a passed-through device and its MTRRs set up',
    ],
    ['explain --policy 7.2 --noncoherent --mtrr def=WB --mtrr 0=UC@3G+1G --map', 'all of its memory, on 7.2'],
    [
      'explain --policy 6.1 --noncoherent --mtrr def=WB --slot ram=0+3G --slot bar0=0xe0000000+256M,pci-bar --map',
      'the same with memslots: what is host MMIO follows from what backs them',
    ],
    [
      'explain --policy 6.1 --noncoherent --from /proc/iomem --map',
      'memory as the guest’s /proc/iomem tells it: what was read is told first',
    ],
    ['explain --spte 0x1000005d48fc76', "what an entry of EPT says, from a trace of the host's"],
    [
      'explain --policy 6.1 --noncoherent --mtrr def=WB --then touch=1G --then 0x2ff=0x800 --then restore --map',
      'what each event zaps, and the map after them',
    ],
    ['explain --rdmsr 0x210', 'what a guest gets when it reads an MSR'],
  ],
  statuses: [[0, 'the answer is on stdout'], USAGE_STATUS],
};

/** `kvm-memtype explain`: why a page has its memory type, under each policy and by the SDM. Touches no device. */
export function explainCommand(): Command {
  const command = addHelp(new Command('explain'), HELP)
    .option('--gpa <address>', 'guest-physical address of the page; a..b for a map of these', parseGpa)
    .option('--map', 'print the whole guest-physical map instead; part of it with --gpa a..b')
    .option('--vcpu <n>', 'the vCPU that touches the page (default: 0)', whole(0, MOST_VCPUS - 1))
    .option(
      '--spte <value>',
      'decode an entry of EPT; with --gpa, hold it against that page',
      numeric('--spte'),
    )
    .option('--level <n>', 'level of the entry, 1 to 4 (default: 1)', whole(1, 4))
    .option('--rdmsr <msr>', 'tell what RDMSR of an MTRR or the PAT gives', parseMsrNumber('--rdmsr'));
  addRepeatable(
    command,
    '--then <event>',
    'tell what an event brings about, in order: touch=1M, cd=on, 0x2ff=0xc06 (cpu1: before it is of one vCPU), dma=on, ' +
      'quirks=ignore-guest-pat, delete=SLOT, restore; what else is asked, is asked of the guest after it',
    parseThen,
  );
  return addStateOptions(command, ['--then']).action(async (options: StateOptions & Question) => {
    const { facts, read } = await stateOf(options);
    writeAnswer(answer(options, facts), read, options.format);
  });
}
