import { Command, Option } from 'commander';
import { gfnOf } from '../../arch/units.js';
import {
  compareAll,
  explainArch,
  explainMap,
  explainPage,
  findPolicy,
  type MsrWrite,
  NEWEST_POLICY,
  policyAssumption,
} from '../../memtype/index.js';
import { textWidth, wrapLines } from '../../text/wrap.js';
import { UsageError } from '../errors.js';
import { mergeMtrrs, parseMsrWrite, parseMtrrs, parseNumber } from '../explain/args.js';
import { mustBeTaken } from '../explain/refused.js';
import { defined, type GuestFacts, readState, situationOf } from '../explain/state.js';
import { mapJson, mapText, pageJson, pageText } from '../explain/text.js';
import { addHelp, USAGE_STATUS } from '../options/help.js';
import { refuseTwice } from '../options/once.js';
import { addRepeatable, existingFile, mask32, whole } from '../options/values.js';
import { log } from '../terminal/log.js';

interface ExplainOptions {
  state?: string;
  policy?: string;
  gpa?: bigint;
  mtrr: string[];
  msr: MsrWrite[];
  pat?: bigint;
  patEntry?: number | 'off';
  cd?: true;
  noncoherent?: true;
  mmio?: true;
  disableQuirks?: number;
  maxphyaddr?: number;
  mtrrCpuid: boolean;
  selfSnoop: boolean;
  slotFlag?: true;
  map?: true;
  format: 'pretty' | 'json';
}

/** The state that file and flags give; a flag counts more than the file. */
async function stateOf(options: ExplainOptions): Promise<GuestFacts> {
  const file = options.state === undefined ? {} : await readState(options.state);
  const flags: GuestFacts = defined({
    policy: options.policy,
    gpa: options.gpa,
    pat: options.pat,
    patEntry: options.patEntry,
    cd: options.cd,
    noncoherent: options.noncoherent,
    mmio: options.mmio,
    disabledQuirks: options.disableQuirks,
    maxphyaddr: options.maxphyaddr,
    mtrrCpuid: options.mtrrCpuid ? undefined : false,
    selfSnoop: options.selfSnoop ? undefined : false,
    slotFlag: options.slotFlag,
  });
  return {
    ...file,
    ...flags,
    mtrr: mergeMtrrs(file.mtrr, parseMtrrs(options.mtrr)),
    msrs: [...(file.msrs ?? []), ...options.msr],
  };
}

async function explain(options: ExplainOptions): Promise<string> {
  if (options.map && options.gpa !== undefined)
    throw new UsageError('--gpa and --map ask for two things: one page, or the whole map');
  const state = await stateOf(options);
  const { policy: name = NEWEST_POLICY.name } = state;
  const policy = findPolicy(name);
  const assumed = policyAssumption(name);
  const situation = situationOf(state);
  mustBeTaken(policy, situation);
  const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
  if (options.map) {
    const ranges = explainMap(policy, situation, 2 ** (situation.maxphyaddr - 12));
    if (assumed !== undefined) log().warn(assumed);
    return options.format === 'json' ? json(mapJson(ranges)) : mapText(ranges);
  }
  const { gpa } = state;
  if (gpa === undefined) throw new UsageError('explain needs --gpa <address>, or --map for the whole map');
  if (gpa >= 1n << BigInt(situation.maxphyaddr)) {
    throw new UsageError(
      `--gpa 0x${gpa.toString(16)} lies above the guest's ${situation.maxphyaddr} address bits`,
    );
  }
  const gfn = gfnOf(gpa);
  const page = {
    gpa,
    assumed,
    situation,
    explanation: explainPage(policy, situation, gfn),
    arch: explainArch(situation, gfn),
    others: compareAll(situation, gfn),
  };
  return options.format === 'json' ? json(pageJson(page)) : pageText(page);
}

/** `kvm-memtype explain`: why a page has its memory type, under each policy and by the SDM. Touches no device. */
export function explainCommand(): Command {
  const numeric = (what: string) => (text: string) => parseNumber(text, what);
  const command = addHelp(new Command('explain'), {
    what:
      "Tell why a page of a guest has its memory type, under each policy (a kernel's rules) and by Intel's manual (SDM). " +
      'It needs no KVM.',
    examples: [
      [
        'explain --policy 6.1 --noncoherent --mtrr def=WB --mtrr 0=UC@3G+1G --gpa 0xc0000000',
        'one page of a guest on 6.1 that has a passed-through device and its MTRRs set up',
      ],
      [
        'explain --policy 7.2 --noncoherent --mtrr def=WB --mtrr 0=UC@3G+1G --map',
        'all of its memory, on 7.2',
      ],
    ],
    statuses: [[0, 'the answer is on stdout'], USAGE_STATUS],
  })
    .option(
      '--policy <name>',
      `a policy (A to E, none, npt, …), or a kernel version as uname -r tells it (default: "${NEWEST_POLICY.name}")`,
    )
    .option('--gpa <address>', 'guest-physical address of the page', numeric('--gpa'))
    .option('--map', 'print the whole guest-physical map instead')
    .option('--pat <value>', 'value of IA32_PAT (default: that after reset)', numeric('--pat'))
    .option(
      '--pat-entry <n>',
      'PAT entry that the page tables choose, 0 to 7, or off for CR0.PG=0 (default: 0)',
      (text) => (text === 'off' ? text : whole(0, 7)(text)),
    )
    .option('--cd', 'CR0.CD is 1')
    .option('--noncoherent', 'the VM has non-coherent DMA')
    .option('--mmio', 'the page is host MMIO')
    .option(
      '--disable-quirks <mask>',
      'quirks that were disabled: 0x2 CD_NW_CLEARED, 0x200 IGNORE_GUEST_PAT',
      mask32,
    )
    .option('--maxphyaddr <bits>', "the guest's physical-address bits, 36 to 52 (default: 40)", whole(36, 52))
    .option('--no-mtrr-cpuid', "the guest's CPUID has no MTRRs")
    .option('--no-self-snoop', 'the host CPU does not snoop its own caches')
    .option('--slot-flag', 'the memslot has the flag of proposal P5')
    .option('--state <file>', 'read the state from a JSON file; flags count more', existingFile)
    .addOption(new Option('--format <name>', 'how it looks').choices(['pretty', 'json']).default('pretty'));
  addRepeatable(
    command,
    '--mtrr <spec>',
    'def=UC,e=1,fe=0 or 0=WB@0+16M or 1=UC@0/0xff00000000 (a mask) or fix=UC@0xa0000+128K',
    (text) => text,
  );
  addRepeatable(command, '--msr <number=value>', 'a raw MSR write, after those of --mtrr', parseMsrWrite);
  return refuseTwice(command, ['--mtrr', '--msr']).action(async (options: ExplainOptions) => {
    const text = await explain(options);
    const { stdout } = process;
    const wraps = stdout.isTTY && options.format === 'pretty';
    stdout.write(wraps ? wrapLines(text, textWidth(stdout)) : text);
  });
}
