import { MIB, PAGE_SIZE } from '../arch/units.js';
import { MachineOptionError } from './errors.js';

/** What an option must be: how to tell, and in words. */
export type OptionRule = readonly [option: string, accept: (value: unknown) => boolean, must: string];

const optional =
  (accept: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || accept(value);

const whole =
  (low: number, high: number, step = 1) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) &&
    (value as number) >= low &&
    (value as number) <= high &&
    (value as number) % step === 0;

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

/** A day, as native/vcpu.cc has it. */
const MAX_BUDGET_MS = 86_400_000;

export const MACHINE_RULES: readonly OptionRule[] = [
  ['vcpus', whole(1, 4096), 'a whole number from 1 to 4096'],
  // That it is whole pages, the memory says.
  ['ramSize', whole(1, 2 ** 40), 'a whole number from 1 to 2^40'],
  ['msrMode', (value) => value === 'kernel' || value === 'filter', "'kernel' or 'filter'"],
  [
    'budgetMs',
    optional((value) => typeof value === 'number' && value >= 0 && value <= MAX_BUDGET_MS),
    `a number from 0 to ${MAX_BUDGET_MS}`,
  ],
  ['forwardMsrs', optional(isBoolean), 'a boolean'],
  ['irqchip', optional(isBoolean), 'a boolean'],
  ['prepare', optional(isFunction), 'a function'],
];

export const CPUID_RULES: readonly OptionRule[] = [
  ['maxPhyAddr', optional(whole(36, 52)), 'a whole number from 36 to 52'],
  ['mtrr', optional(isBoolean), 'a boolean'],
  ['hypervisor', optional(isBoolean), 'a boolean'],
];

export const PC_RULES: readonly OptionRule[] = [
  ['image', isBytes, 'a Uint8Array'],
  ['memory', whole(2 * MIB, 3072 * MIB, PAGE_SIZE), 'a multiple of 4096 from 2 MiB to 3 GiB'],
  ['cpus', optional(whole(1, 16)), 'a whole number from 1 to 16'],
  ['cmdline', optional((value) => typeof value === 'string'), 'a string'],
  ['initrd', optional(isBytes), 'a Uint8Array'],
  ['onSerial', isFunction, 'a function'],
  ['mtrrs', optional((value) => value === 'firmware' || value === 'reset'), "'firmware' or 'reset'"],
];

/**
 * Hold options against their rules: JavaScript callers have no types to stop them.
 * @throws MachineOptionError for the first that breaks its rule
 */
export function checkOptions(options: object, rules: readonly OptionRule[], prefix = ''): void {
  for (const [option, accept, must] of rules) {
    const value: unknown = (options as Record<string, unknown>)[option];
    if (!accept(value)) throw new MachineOptionError(prefix + option, must, value);
  }
}
