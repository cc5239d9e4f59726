import { type Command, Option } from 'commander';
import { MSR } from '../../arch/msrs.js';
import {
  BACKING_NAMES,
  LINUX_MAPPINGS,
  type LinuxMapping,
  type MsrWrite,
  NEWEST_POLICY,
  type Slot,
  VM_TYPES,
  type VmType,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { refuseTwice } from '../options/once.js';
import { addRepeatable, existingFile, whole } from '../options/values.js';
import {
  mergeMtrrs,
  type OfVcpu,
  ofVcpu,
  parseMsrWrite,
  parseMtrrs,
  parseNumber,
  parseQuirks,
} from './args.js';
import { type FromFiles, readFrom } from './from/from.js';
import type { RecordingOptions } from './from/recording.js';
import { untoldNotes } from './from/untold.js';
import { parseSlot } from './slots.js';
import { defined, type GuestFacts, MOST_VCPUS, readState, type VcpuFacts } from './state.js';

/** The options that describe a guest. */
export interface StateOptions extends RecordingOptions {
  state?: string;
  from: string[];
  policy?: string;
  mtrr: OfVcpu<string>[];
  slot: Slot[];
  hostNopat?: true;
  linux?: string;
  mapping?: LinuxMapping;
  mappedBefore?: LinuxMapping;
  vmType?: VmType;
  l2?: true;
  vcpus?: number;
  msr: OfVcpu<MsrWrite>[];
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

/**
 * Give a command the options that describe a guest.
 *
 * @param repeatable options of its own that may come several times
 */
export function addStateOptions(command: Command, repeatable: readonly string[] = []): Command {
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
    .option('--mmio', 'all pages are host MMIO; --slot tells it page by page')
    .option('--host-nopat', 'the host runs with nopat, which makes every reserved page host MMIO')
    .option(
      '--linux <version>',
      'the guest is Linux, which maps memory by its own rules: RAM, persistent memory and devices as the slot has it, or by --mapping',
    )
    .addOption(new Option('--mapping <name>', 'how Linux maps it').choices(LINUX_MAPPINGS))
    .addOption(
      new Option('--mapped-before <name>', 'how it has mapped the same memory already').choices(
        LINUX_MAPPINGS.filter((name) => name !== 'ram'),
      ),
    )
    .addOption(
      new Option(
        '--vm-type <name>',
        'a VM that hides its memory: its private pages are those of a guest-memfd slot',
      ).choices(VM_TYPES),
    )
    .option('--l2', "the access is one of the guest's own guest: --pat and --cd are then of that")
    .option(
      '--vcpus <n>',
      `how many vCPUs there are (default: one more than the highest that is named)`,
      whole(1, MOST_VCPUS),
    )
    .option(
      '--disable-quirks <mask>',
      'quirks that were disabled: a mask, or names such as cd-nw-cleared,ignore-guest-pat',
      parseQuirks,
    )
    .option('--maxphyaddr <bits>', "the guest's physical-address bits, 36 to 52 (default: 40)", whole(36, 52))
    .option('--no-mtrr-cpuid', "the guest's CPUID has no MTRRs")
    .option('--no-self-snoop', 'the host CPU does not snoop its own caches')
    .option('--slot-flag', 'the memslot has the flag of proposal P5')
    .option(
      '--recording <file>',
      'the guest of a scenario that `run --record` kept, or a VM that `watch --record` did, as it is in the end',
      existingFile,
    )
    .option('--scenario <name>', 'with --recording: which scenario, if there are several')
    .option('--step <n>', 'with --recording: after so many of its steps or changes', whole(0, 100_000))
    .option('--state <file>', 'read the state from a JSON file; flags count more', existingFile)
    .addOption(new Option('--format <name>', 'how it looks').choices(['pretty', 'json']).default('pretty'));
  addRepeatable(
    command,
    '--from <file>',
    "read the state from a log or list, in any mix: Linux's log, /proc/mtrr, /proc/iomem, rdmsr, lspci -vv, QEMU's info registers and " +
      'info mtree -f, a trace of kvm_msr; - is standard input',
    (path) => path,
  );
  addRepeatable(
    command,
    '--mtrr <spec>',
    'def=UC,e=1,fe=0 or 0=WB@0+16M or 1=UC@0/0xff00000000 (a mask) or fix=UC@0xa0000+128K; cpu1: before it is for one vCPU',
    ofVcpu((text) => text),
  );
  addRepeatable(
    command,
    '--msr <number=value>',
    'a raw MSR write, after those of --mtrr; the number, or a name such as MTRR_DEF_TYPE; cpu1: before it is for one vCPU',
    ofVcpu(parseMsrWrite),
  );
  addRepeatable(
    command,
    '--slot <name=gpa+size,kind>',
    `a memslot and what backs it: ${BACKING_NAMES.join(', ')}; then host=TYPE, ro or flag`,
    parseSlot,
  );
  return refuseTwice(command, ['--from', '--mtrr', '--msr', '--slot', ...repeatable]);
}

/** What is told of one vCPU by flags, over what the file tells. */
function vcpuFacts(file: VcpuFacts, options: StateOptions, vcpu: number | undefined): VcpuFacts {
  const own = <T>(values: readonly OfVcpu<T>[]): T[] =>
    values.filter((told) => told.vcpu === vcpu).map(({ value }) => value);
  return {
    ...file,
    mtrr: mergeMtrrs(file.mtrr, parseMtrrs(own(options.mtrr))),
    msrs: [...(file.msrs ?? []), ...own(options.msr)],
  };
}

/** What a state file tells, and over it what logs and lists do. */
function merged(file: GuestFacts, from: GuestFacts): GuestFacts {
  const both = (a: VcpuFacts, b: VcpuFacts): VcpuFacts => ({
    ...a,
    ...b,
    mtrr: mergeMtrrs(a.mtrr, b.mtrr ?? {}),
    msrs: [...(a.msrs ?? []), ...(b.msrs ?? [])],
  });
  const ids = new Set([...(file.vcpus?.keys() ?? []), ...(from.vcpus?.keys() ?? [])]);
  const own = (id: number): VcpuFacts => both(file.vcpus?.get(id) ?? {}, from.vcpus?.get(id) ?? {});
  const slots = [...(file.slots ?? []), ...(from.slots ?? [])];
  return {
    ...file,
    ...from,
    ...both(file, from),
    vcpus: new Map([...ids].map((id) => [id, own(id)])),
    ...(slots.length > 0 ? { slots } : {}),
  };
}

/** A guest's state, and what was read of it from logs and lists. */
export interface ToldState {
  readonly facts: GuestFacts;
  /** Undefined where none was read. */
  readonly read: FromFiles | undefined;
}

/** The guest of a recording, if one is named: reading one needs much that no other question does. */
async function recordedOf(options: RecordingOptions): Promise<FromFiles | undefined> {
  const { recording, scenario, step } = options;
  if (recording === undefined && scenario === undefined && step === undefined) return undefined;
  const { readRecorded } = await import('./from/recording.js');
  return readRecorded(options);
}

/** What was read of a recording, and then of logs and lists. */
function both(recorded: FromFiles | undefined, read: FromFiles, notes: readonly string[]): FromFiles {
  return {
    facts: read.facts,
    text: () => (recorded?.text() ?? '') + read.text(notes),
    json: () => ({ ...recorded?.json(), ...read.json(notes) }),
  };
}

/** The state that files and flags give: logs and lists count more than a state file, flags more than both. */
export async function stateOf(options: StateOptions): Promise<ToldState> {
  const recorded = await recordedOf(options);
  const state = options.state === undefined ? {} : await readState(options.state);
  const file = recorded === undefined ? state : merged(state, recorded.facts);
  if (options.from.length === 0) return { facts: withFlags(file, options), read: recorded };
  const read = await readFrom(options.from, options.maxphyaddr ?? file.maxphyaddr);
  const facts = withFlags(merged(file, read.facts), options);
  return { facts, read: both(recorded, read, untoldNotes(facts)) };
}

/** Refuse fixed ranges that the same options leave off. */
function mustTakeEffect({ mtrr, msr }: StateOptions): void {
  const { def, fixed = [] } = parseMtrrs(
    mtrr.filter(({ vcpu }) => vcpu === undefined).map(({ value }) => value),
  );
  const isRaw = msr.some(({ value }) => value.msr === MSR.DEF_TYPE);
  if (def !== undefined && !def.fixedEnabled && fixed.length > 0 && !isRaw)
    throw new UsageError(
      `--mtrr fix=… has no effect: fixed ranges are off; --mtrr def=${def.type},fe=1 turns them on`,
    );
}

function withFlags(file: GuestFacts, options: StateOptions): GuestFacts {
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
    hostNopat: options.hostNopat,
    linux: options.linux,
    mapping: options.mapping,
    mappedBefore: options.mappedBefore,
    vmType: options.vmType,
    l2: options.l2,
    vcpuCount: options.vcpus,
  });
  mustTakeEffect(options);
  const named = [...options.mtrr, ...options.msr].flatMap(({ vcpu }) => vcpu ?? []);
  const ids = new Set([...(file.vcpus?.keys() ?? []), ...named]);
  const slots = [...(file.slots ?? []), ...options.slot];
  if (options.linux !== undefined && options.patEntry !== undefined)
    throw new UsageError('--linux and --pat-entry tell the same: Linux chooses the PAT entry');
  if ((options.mmio || options.slotFlag) && slots.length > 0)
    throw new UsageError(
      '--mmio and --slot-flag are for memory without slots: a --slot has its own kind and flag',
    );
  return {
    ...file,
    ...flags,
    ...vcpuFacts({ ...file, ...flags }, options, undefined),
    ...(slots.length === 0 ? {} : { slots }),
    vcpus: new Map([...ids].map((id) => [id, vcpuFacts(file.vcpus?.get(id) ?? {}, options, id)])),
  };
}
