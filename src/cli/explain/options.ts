import { type Command, Option } from 'commander';
import type { MsrWrite } from '../../memtype/index.js';
import { NEWEST_POLICY } from '../../memtype/index.js';
import { refuseTwice } from '../options/once.js';
import { addRepeatable, existingFile, whole } from '../options/values.js';
import { mergeMtrrs, parseMsrWrite, parseMtrrs, parseNumber, parseQuirks } from './args.js';
import { defined, type GuestFacts, readState } from './state.js';

/** The options that describe a guest. */
export interface StateOptions {
  state?: string;
  policy?: string;
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
  format: 'pretty' | 'json';
}

/** Parse a number for an option of this name. */
export const numeric =
  (what: string) =>
  (text: string): bigint =>
    parseNumber(text, what);

/** Give a command the options that describe a guest. */
export function addStateOptions(command: Command): Command {
  command
    .option(
      '--policy <name>',
      `a policy (A to E, none, npt, …), or a kernel version as uname -r tells it (default: "${NEWEST_POLICY.name}")`,
    )
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
      'quirks that were disabled: a mask, or names such as cd-nw-cleared,ignore-guest-pat',
      parseQuirks,
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
  addRepeatable(
    command,
    '--msr <number=value>',
    'a raw MSR write, after those of --mtrr; the number, or a name such as MTRR_DEF_TYPE',
    parseMsrWrite,
  );
  return refuseTwice(command, ['--mtrr', '--msr']);
}

/** The state that file and flags give; a flag counts more than the file. */
export async function factsOf(options: StateOptions): Promise<GuestFacts> {
  const file = options.state === undefined ? {} : await readState(options.state);
  const flags: GuestFacts = defined({
    policy: options.policy,
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
