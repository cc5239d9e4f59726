import { MSR } from '../../arch/msrs.js';
import {
  classifyMsr,
  describeMsr,
  MTRRCAP_VALUE,
  missingMtrr,
  type Policy,
  type Situation,
} from '../../memtype/index.js';
import { UsageError } from '../errors.js';

/** What RDMSR of an MTRR, of the PAT, or of a number between them gives. */
export interface ExplainedMsr {
  readonly msr: number;
  /** Undefined where the read faults. */
  readonly value: bigint | undefined;
  /** Why it faults, or what the value says. */
  readonly text: string | undefined;
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/**
 * Answer what RDMSR gives a guest.
 *
 * @throws UsageError for an MSR that has no bearing on memory types
 */
export function readMsr(msr: number, policy: Policy, { mtrr, pat }: Situation): ExplainedMsr {
  const missing = missingMtrr(msr);
  if (missing !== undefined) return { msr, value: undefined, text: missing };
  const known = classifyMsr(msr);
  if (known === undefined) {
    const routed = policy.msrs.invalidNotUnknown(msr);
    if (routed) return { msr, value: undefined, text: 'no MTRR has this number' };
    throw new UsageError(`${describeMsr(msr)} has no bearing on memory types: it is no MTRR and not the PAT`);
  }
  if (known.kind === 'cap')
    return { msr, value: MTRRCAP_VALUE, text: '8 pairs (VCNT), fixed ranges (FIX), and WC' };
  return { msr, value: msr === MSR.PAT ? pat : mtrr.read(known), text: undefined };
}

/** The answer in one line. */
export function msrText({ msr, value, text }: ExplainedMsr): string {
  const what = `RDMSR of ${describeMsr(msr)}`;
  if (value === undefined) return `${what} faults with #GP(0): ${text}\n`;
  return `${what} gives ${hex(value)}${text === undefined ? '' : `: ${text}`}\n`;
}

/** The answer as plain data. */
export function msrJson({ msr, value, text }: ExplainedMsr): object {
  return {
    msr: hex(msr),
    fault: value === undefined ? '#GP(0)' : null,
    value: value === undefined ? null : hex(value),
    ...(text === undefined ? {} : { text }),
  };
}
