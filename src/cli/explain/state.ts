import { z } from 'zod';
import { MSR, PAT_RESET } from '../../arch/msrs.js';
import {
  checkedMsr,
  INITIAL_SITUATION,
  LINUX_MAPPINGS,
  type LinuxMapping,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  mtrrWrites,
  replayWrites,
  type Situation,
  type Slot,
  VM_TYPES,
  type VmType,
} from '../../memtype/index.js';
import { readInput } from '../../process/read-file.js';
import { sentenceOf, UsageError } from '../errors.js';
import { parseMsrNumber, parseNumber, parseQuirks } from './args.js';
import type { Area } from './from/areas.js';
import { parseSlot } from './slots.js';

/** KVM_MAX_VCPUS of 7.3. */
export const MOST_VCPUS = 4096;
const MOST_SLOTS = 4096;

/** A string or number that is read as an option's value is; what is wrong with it is the schema's error. */
function parsed<T>(parse: (text: string) => T) {
  return z.union([z.string(), z.number().int().nonnegative()]).transform((value, context): T => {
    try {
      return parse(String(value));
    } catch (error) {
      context.addIssue(sentenceOf(error));
      return z.NEVER;
    }
  });
}

const number = parsed((text) => parseNumber(text, 'the number'));
const msrNumber = parsed(parseMsrNumber('the MSR'));
const quirks = parsed(parseQuirks);
const memType = z.enum(['UC', 'WC', 'WT', 'WP', 'WB']);

const mtrr = z.strictObject({
  def: z
    .strictObject({
      type: memType,
      enabled: z.boolean().default(true),
      fixedEnabled: z.boolean().default(false),
    })
    .optional(),
  variable: z
    .array(
      z.strictObject({
        index: z.int(),
        type: memType,
        base: number,
        size: number.optional(),
        mask: number.optional(),
        valid: z.boolean().optional(),
      }),
    )
    .optional(),
  fixed: z.array(z.strictObject({ type: memType, start: number, size: number })).optional(),
});

const registers = {
  mtrr: mtrr.optional(),
  msrs: z.array(z.strictObject({ msr: msrNumber, value: number })).optional(),
  pat: number.optional(),
  patEntry: z.union([z.int().min(0).max(7), z.literal('off')]).optional(),
  cd: z.boolean().optional(),
};

const stateFile = z.strictObject({
  policy: z.string().optional(),
  gpa: number.optional(),
  ...registers,
  vcpuCount: z.int().min(1).max(MOST_VCPUS).optional(),
  vcpus: z
    .array(
      z.strictObject({
        id: z
          .int()
          .min(0)
          .max(MOST_VCPUS - 1),
        ...registers,
      }),
    )
    .max(MOST_VCPUS)
    .optional(),
  slots: z.array(parsed(parseSlot)).max(MOST_SLOTS).optional(),
  hostNopat: z.boolean().optional(),
  linux: z.string().optional(),
  vmType: z.enum(VM_TYPES).optional(),
  l2: z.boolean().optional(),
  mapping: z.enum(LINUX_MAPPINGS).optional(),
  mappedBefore: z.enum(LINUX_MAPPINGS).exclude(['ram']).optional(),
  noncoherent: z.boolean().optional(),
  mmio: z.boolean().optional(),
  disabledQuirks: quirks.optional(),
  maxphyaddr: z.int().min(36).max(52).optional(),
  mtrrCpuid: z.boolean().optional(),
  selfSnoop: z.boolean().optional(),
  slotFlag: z.boolean().optional(),
});

/** What is told of one vCPU, or of all. */
export interface VcpuFacts {
  mtrr?: MtrrConfig;
  /** Raw writes, in order, after those of `mtrr`. */
  msrs?: readonly MsrWrite[];
  pat?: bigint;
  patEntry?: number | 'off';
  cd?: boolean;
}

/** The state of a guest, as a file or flags give it; what is left out has the value that KVM starts with. */
export interface GuestFacts extends VcpuFacts {
  policy?: string;
  gpa?: bigint;
  /** One more than the highest that is named, if it is not told. */
  vcpuCount?: number;
  /** What is told of some vCPUs alone, by number: it counts more than what is told of all. */
  vcpus?: ReadonlyMap<number, VcpuFacts>;
  slots?: readonly Slot[];
  /** Stretches of memory that a log or list names, memslots or not. */
  areas?: readonly Area[];
  /** Logs or lists tell its MTRRs: what they leave out is not known. */
  hasReadMtrrs?: boolean;
  /** The host runs with nopat. */
  hostNopat?: boolean;
  /** Version of the Linux that is the guest. */
  linux?: string;
  mapping?: LinuxMapping;
  mappedBefore?: LinuxMapping;
  vmType?: VmType;
  /** The accesses are those of the guest's guest. */
  l2?: boolean;
  noncoherent?: boolean;
  mmio?: boolean;
  disabledQuirks?: number;
  maxphyaddr?: number;
  mtrrCpuid?: boolean;
  selfSnoop?: boolean;
  slotFlag?: boolean;
}

/** Leave out what is undefined, so that it cannot hide a value beneath it. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

const LIMIT = { limit: 2 ** 20, why: 'the most for a state' };

async function parseJson(path: string): Promise<unknown> {
  const text = (await readInput(path, LIMIT)).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} cannot be read as JSON: ${sentenceOf(error)}`);
  }
}

/**
 * Read a state from a JSON file. Addresses, sizes and MSR values are numbers, or strings such as "0xc00000" or "12M".
 *
 * @throws InputFileError if it cannot be read; UsageError if it says what a state does not have
 */
export async function readState(path: string): Promise<GuestFacts> {
  const result = stateFile.safeParse(await parseJson(path));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new UsageError(`${path}: ${issue?.path.join('.') || 'the state'}: ${issue?.message}`);
  }
  const { vcpus, ...rest } = result.data;
  const byId = vcpus && new Map(vcpus.map(({ id, ...own }) => [id, defined(own) as VcpuFacts]));
  if (byId !== undefined && byId.size < (vcpus?.length ?? 0))
    throw new UsageError(`${path}: two vCPUs have one id`);
  return defined({ ...rest, vcpus: byId }) as GuestFacts;
}

/** Carry out the writes, each of which must be legal; the last one to the PAT counts. */
function registersAfter(state: GuestFacts, maxphyaddr: number): Pick<Situation, 'mtrr' | 'pat'> {
  const { mtrr = {}, msrs = [], pat = PAT_RESET } = state;
  const isPat = ({ msr }: MsrWrite): boolean => msr === MSR.PAT;
  const pats = [{ msr: MSR.PAT, value: pat }, ...msrs.filter(isPat)];
  try {
    for (const write of pats) checkedMsr(write, maxphyaddr);
    const rest = msrs.filter((write) => !isPat(write));
    return {
      mtrr: replayWrites([...mtrrWrites(mtrr, maxphyaddr), ...rest], maxphyaddr),
      pat: pats.at(-1)?.value as bigint,
    };
  } catch (error) {
    if (!(error instanceof MtrrConfigError) || error.maxphyaddr === undefined) throw error;
    throw new UsageError(`${error.message}; --maxphyaddr ${error.maxphyaddr} allows the write`);
  }
}

/**
 * Freeze a state, with KVM's own values where it says nothing.
 *
 * @throws MtrrConfigError if an MTRR or PAT cannot have such a value, UsageError if it can with more address bits
 */
export function situationOf(state: GuestFacts): Situation {
  const { maxphyaddr = 40, patEntry = 0 } = state;
  const { cd, noncoherent, mmio, disabledQuirks, mtrrCpuid, selfSnoop, slotFlag, vmType, l2 } = state;
  return {
    ...INITIAL_SITUATION,
    ...defined({ cd, noncoherent, mmio, disabledQuirks, mtrrCpuid, selfSnoop, slotFlag, vmType, l2 }),
    ...registersAfter(state, maxphyaddr),
    patEntry: patEntry === 'off' ? undefined : patEntry,
    maxphyaddr,
  };
}
