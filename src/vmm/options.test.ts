import { describe, expect, test } from 'vitest';
import type { Kvm } from '../kvm/fd/system.js';
import { MachineOptionError } from './errors.js';
import { Machine, type MachineOptions } from './machine.js';
import { Pc, type PcOptions } from './pc.js';

// Bad options are refused before KVM is asked for anything, so there is none here.
const NO_KVM = {} as Kvm;
const MACHINE: MachineOptions = { vcpus: 1, ramSize: 2 ** 20, msrMode: 'kernel' };
const PC: PcOptions = { image: new Uint8Array(1), memory: 2 ** 24, onSerial: () => {} };

/** An option, values that it must not have, and what the message says. */
const MACHINE_CASES: [option: string, bad: unknown[], says: string][] = [
  ['vcpus', [-1, 0, 1.5, 4097, '1', Number.NaN, undefined], 'a whole number from 1 to 4096'],
  ['ramSize', [-4096, 0, 4096.5, 2 ** 41, '1M', undefined], 'a whole number'],
  ['msrMode', ['x', '', undefined, 0], "'kernel' or 'filter'"],
  ['budgetMs', [-1, Number.NaN, Number.POSITIVE_INFINITY, '1'], 'a number from 0 to 86400000'],
  ['forwardMsrs', ['no', 0, null], 'a boolean'],
  ['irqchip', ['yes', 1, null], 'a boolean'],
  ['prepare', [1, {}], 'a function'],
];

const CPUID_CASES: [option: string, bad: unknown[], says: string][] = [
  ['maxPhyAddr', [35, 53, 36.5, '40'], 'a whole number from 36 to 52'],
  ['mtrr', [1], 'a boolean'],
  ['hypervisor', ['no'], 'a boolean'],
];

const PC_CASES: [option: string, bad: unknown[], says: string][] = [
  ['image', ['vmlinuz', undefined, [1]], 'a Uint8Array'],
  ['memory', [0, 2 ** 20, 2 ** 24 + 1, 2 ** 32, undefined], 'a multiple of 4096 from 2 MiB to 3 GiB'],
  ['cpus', [300, 17, 0, -1, 1.5], 'a whole number from 1 to 16'],
  ['cmdline', [7], 'a string'],
  ['initrd', ['initrd.gz'], 'a Uint8Array'],
  ['onSerial', [undefined, 'stdout'], 'a function'],
  ['mtrrs', ['wb', true], "'firmware' or 'reset'"],
];

function refuses(option: string, says: string, act: () => unknown): void {
  expect(act).toThrow(MachineOptionError);
  expect(act).toThrow(expect.objectContaining({ code: 'VMM_OPTION', option }));
  expect(act).toThrow(`${option} must be ${says}`);
}

describe('options that are refused', () => {
  test.each(MACHINE_CASES)('%s of a machine', (option, bad, says) => {
    for (const value of bad)
      refuses(option, says, () => Machine.create(NO_KVM, { ...MACHINE, [option]: value }));
  });

  test.each(CPUID_CASES)('cpuid.%s of a machine', (option, bad, says) => {
    for (const value of bad) {
      const options = { ...MACHINE, cpuid: { [option]: value } };
      refuses(`cpuid.${option}`, says, () => Machine.create(NO_KVM, options));
    }
  });

  test.each(PC_CASES)('%s of a PC', (option, bad, says) => {
    for (const value of bad) refuses(option, says, () => Pc.create(NO_KVM, { ...PC, [option]: value }));
  });

  test('the message shows the value, shortened', () => {
    const act = () => Machine.create(NO_KVM, { ...MACHINE, msrMode: 'x'.repeat(100) as 'kernel' });
    expect(act).toThrow(
      `msrMode must be 'kernel' or 'filter', not '${'x'.repeat(40)}'... 60 more characters`,
    );
  });
});
