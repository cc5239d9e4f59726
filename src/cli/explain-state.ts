import { readFileSync } from 'node:fs';
import { z } from 'zod';
import {
  classifyMsr,
  isValidMsrValue,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  mtrrWrites,
  PAT_RESET,
  replayWrites,
  type Situation,
} from '../memtype/index.js';
import { sentenceOf, UsageError } from './errors.js';
import { parseNumber } from './explain-args.js';

const number = z
  .union([z.string(), z.number().int().nonnegative()])
  .transform((value) => parseNumber(String(value), 'the number'));
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

const stateFile = z.strictObject({
  policy: z.string().optional(),
  gpa: number.optional(),
  mtrr: mtrr.optional(),
  msrs: z.array(z.strictObject({ msr: number, value: number })).optional(),
  pat: number.optional(),
  patEntry: z.union([z.int().min(0).max(7), z.literal('off')]).optional(),
  cd: z.boolean().optional(),
  noncoherent: z.boolean().optional(),
  mmio: z.boolean().optional(),
  disabledQuirks: number.optional(),
  maxphyaddr: z.int().min(36).max(52).optional(),
  mtrrCpuid: z.boolean().optional(),
  selfSnoop: z.boolean().optional(),
  slotFlag: z.boolean().optional(),
});

/** The state of a guest, as a file or flags give it; what is left out has the value that KVM starts with. */
export interface GuestState {
  policy?: string;
  gpa?: bigint;
  mtrr?: MtrrConfig;
  /** Raw writes, in order, after those of `mtrr`. */
  msrs?: readonly MsrWrite[];
  pat?: bigint;
  patEntry?: number | 'off';
  cd?: boolean;
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

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} cannot be read as JSON: ${sentenceOf(error)}`);
  }
}

/**
 * Read a state from a JSON file. Addresses, sizes and MSR values are numbers, or strings such as "0xc00000" or "12M".
 *
 * @throws UsageError if it is not there, or says what a state does not have
 */
export function readState(path: string): GuestState {
  const parsed = stateFile.safeParse(parseJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(`${path}: ${issue?.path.join('.') || 'the state'}: ${issue?.message}`);
  }
  const { msrs, disabledQuirks, ...rest } = parsed.data;
  const writes = msrs?.map(({ msr, value }) => ({ msr: Number(msr), value }));
  const quirks = disabledQuirks === undefined ? undefined : Number(disabledQuirks);
  return defined({ ...rest, msrs: writes, disabledQuirks: quirks }) as GuestState;
}

/** The PAT after the writes, each of which must be legal. */
function patAfter(pat: bigint, writes: readonly MsrWrite[], maxphyaddr: number): bigint {
  const values = [
    pat,
    ...writes.filter(({ msr }) => classifyMsr(msr)?.kind === 'pat').map(({ value }) => value),
  ];
  const bad = values.find((value) => !isValidMsrValue({ kind: 'pat', index: 0 }, value, maxphyaddr));
  if (bad !== undefined) throw new MtrrConfigError(`the PAT cannot hold 0x${bad.toString(16)}`);
  return values.at(-1) as bigint;
}

/**
 * Freeze a state, with KVM's own values where it says nothing.
 *
 * @throws MtrrConfigError if an MTRR or PAT cannot have such a value
 */
export function situationOf(state: GuestState): Situation {
  const { maxphyaddr = 40, mtrr = {}, msrs = [], pat = PAT_RESET, patEntry = 0 } = state;
  const mtrrMsrs = msrs.filter(({ msr }) => classifyMsr(msr)?.kind !== 'pat');
  return {
    mtrr: replayWrites([...mtrrWrites(mtrr, maxphyaddr), ...mtrrMsrs], maxphyaddr),
    pat: patAfter(pat, msrs, maxphyaddr),
    patEntry: patEntry === 'off' ? undefined : patEntry,
    cd: state.cd ?? false,
    noncoherent: state.noncoherent ?? false,
    mmio: state.mmio ?? false,
    disabledQuirks: state.disabledQuirks ?? 0,
    maxphyaddr,
    mtrrCpuid: state.mtrrCpuid ?? true,
    selfSnoop: state.selfSnoop ?? true,
    slotFlag: state.slotFlag ?? false,
  };
}
