import * as flags from './kvm-flags.js';

const PREFIX = 'KVM_X86_QUIRK_';
const NAMES = new Map(
  Object.entries(flags)
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, bit]) => [bit, name.slice(PREFIX.length)]),
);

/** The bit of each quirk, by its name without `KVM_X86_QUIRK_`. */
export const QUIRK_NAMES: ReadonlyMap<string, number> = new Map([...NAMES].map(([bit, name]) => [name, bit]));

/** Name of a quirk without `KVM_X86_QUIRK_`; undefined for a bit that is none here. */
export const quirkName = (bit: number): string | undefined => NAMES.get(bit);
