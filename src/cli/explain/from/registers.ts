import { CR0_CD, CR0_PG } from '../../../arch/cr0.js';
import type { Fact } from '../../../dumps/types.js';
import {
  checkedMsr,
  classifyMsr,
  describeMsr,
  type MsrWrite,
  type MtrrConfig,
  MtrrConfigError,
  missingMtrr,
  mtrrWrites,
  replayWrites,
} from '../../../memtype/index.js';
import { UsageError } from '../../errors.js';
import type { VcpuFacts } from '../state.js';

/** A fact with where it was read. */
export interface Told {
  readonly where: string;
  /** Name of the format that it was read by. */
  readonly format: string;
  readonly fact: Fact;
}

/** The registers of all vCPUs, and of some alone. */
export interface Registers {
  readonly common: VcpuFacts;
  readonly vcpus: ReadonlyMap<number, VcpuFacts>;
  /** What was taken for granted, and what was left out. */
  readonly notes: readonly string[];
}

type Collected = VcpuFacts & { msrs: MsrWrite[] };

const LEAST_BITS = 36;
const MOST_BITS = 52;

/** MSRs that say nothing without IA32_MTRR_DEF_TYPE. */
const RANGES = ['base', 'mask', 'fixed'] as const;

type MsrFact = Extract<Fact, { what: 'msr' }>;

/** MAXPHYADDR as /proc/cpuinfo tells it, or as the highest bit of a mask lets it be guessed; undefined without both. */
export function addressBits(told: readonly Told[]): { bits: number; note?: string } | undefined {
  const stated = told.flatMap(({ fact }) => (fact.what === 'address-bits' ? [fact.bits] : []))[0];
  if (stated !== undefined) return { bits: stated };
  const masks = told.flatMap(({ fact }) =>
    fact.what === 'msr' && classifyMsr(fact.msr)?.kind === 'mask' ? [fact.value] : [],
  );
  const highest = Math.max(0, ...masks.map((mask) => mask.toString(2).length));
  if (highest < LEAST_BITS || highest > MOST_BITS) return undefined;
  return {
    bits: highest,
    note: `MAXPHYADDR is ${highest}, the highest bit of a mask: --maxphyaddr says otherwise`,
  };
}

/** Say where it was read that something cannot be. */
function at<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof MtrrConfigError)) throw error;
    const cure = error.maxphyaddr === undefined ? '' : `; --maxphyaddr ${error.maxphyaddr} allows the write`;
    throw new UsageError(`${where}: ${error.message}${cure}`);
  }
}

/** A value that can be written as it was read; a note where it cannot have a bearing. */
function writeOf({ msr, value }: MsrFact, where: string, bits: number): MsrWrite | string {
  const known = classifyMsr(msr);
  if (known?.kind === 'cap') {
    const count = Number(value & 0xffn);
    return count === 8 ? '' : `${where}: MTRRcap tells ${count} pairs: a guest of KVM has 8`;
  }
  const missing = missingMtrr(msr);
  if (missing !== undefined) return `${where}: ${describeMsr(msr)} is left out: ${missing}`;
  if (known === undefined) return '';
  at(where, () => checkedMsr({ msr, value }, bits));
  return { msr, value };
}

/** Refuse a range that is told in words and that no MTRR can say. */
function mustBeRange({ where, fact }: Told, bits: number): void {
  const config: MtrrConfig =
    fact.what === 'range' ? { variable: [fact] } : fact.what === 'fixed' ? { fixed: [fact] } : {};
  at(where, () => replayWrites(mtrrWrites(config, bits), bits));
}

/** The MTRRs that are told in words. */
function mtrrsOf(told: readonly Told[]): { mtrr: MtrrConfig; notes: string[] } {
  const facts = told.map(({ fact }) => fact);
  const pick = <K extends Fact['what']>(what: K): Extract<Fact, { what: K }>[] =>
    facts.filter((fact): fact is Extract<Fact, { what: K }> => fact.what === what);
  const ranges = pick('range').map(({ what, ...range }) => range);
  const fixed = pick('fixed').map(({ what, ...range }) => range);
  const type = pick('default').at(-1)?.type;
  const enabled = (name: 'variable' | 'fixed'): boolean | undefined =>
    pick('enabled').findLast(({ ranges: which }) => which === name)?.on;
  const kinds = new Set(pick('msr').map(({ msr }) => classifyMsr(msr)?.kind));
  const hasRanges = ranges.length > 0 || RANGES.some((kind) => kinds.has(kind));
  const needsDef = type !== undefined || (hasRanges && !kinds.has('deftype'));
  const guessed = needsDef && type === undefined;
  const teller = ranges.length > 0 ? '/proc/mtrr does not tell' : 'no line tells';
  return {
    mtrr: {
      ...(needsDef
        ? {
            def: {
              type: type ?? 'UC',
              enabled: enabled('variable') ?? true,
              fixedEnabled: enabled('fixed') ?? false,
              ...(enabled('fixed') === undefined ? { isFixedAssumed: true as const } : {}),
            },
          }
        : {}),
      ...(ranges.length > 0 ? { variable: ranges } : {}),
      ...(fixed.length > 0 ? { fixed } : {}),
    },
    notes: guessed
      ? [`the MTRRs are on and their default type is UC, which ${teller}: --mtrr def=… does`]
      : [],
  };
}

/** Put together the registers that were read: words first, then values in their order. */
export function registersOf(told: readonly Told[], bits: number): Registers {
  for (const one of told) mustBeRange(one, bits);
  const { mtrr, notes } = mtrrsOf(told);
  const common: Collected = { mtrr, msrs: [] };
  const vcpus = new Map<number, Collected>();
  const factsOf = (cpu: number | undefined): Collected => {
    if (cpu === undefined) return common;
    const facts = vcpus.get(cpu) ?? { msrs: [] };
    vcpus.set(cpu, facts);
    return facts;
  };
  for (const { where, fact } of told) {
    if (fact.what === 'cr0') {
      const facts = factsOf(fact.cpu);
      facts.cd = (fact.value & CR0_CD) !== 0n;
      if ((fact.value & CR0_PG) === 0n) facts.patEntry = 'off';
    }
    if (fact.what !== 'msr') continue;
    const write = writeOf(fact, where, bits);
    if (typeof write !== 'string') factsOf(fact.cpu).msrs.push(write);
    else if (write !== '') notes.push(write);
  }
  return { common, vcpus, notes };
}
