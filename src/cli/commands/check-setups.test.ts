import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../memtype/index.js';
import { checkCommand } from './check.js';

const SETUPS = fileURLToPath(new URL('../../../test/setups/', import.meta.url));

let out = '';
let status: typeof process.exitCode;

beforeEach(() => {
  status = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = status;
});

async function check(name: string, ...args: string[]) {
  out = '';
  const command = checkCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  const from = ['--from', `${SETUPS}${name}.txt`, '--noncoherent', '--format', 'json'];
  await command.parseAsync([...from, ...args], { from: 'user' });
  return JSON.parse(out);
}

/** Severity and rule of each finding, and the addresses that it names. */
const found = async (name: string, policy: string): Promise<string[]> =>
  (await check(name, '--policy', policy)).findings.map(({ severity, rule, text }: Finding) =>
    `${severity} ${rule} ${/0x[0-9a-f]+-0x[0-9a-f]+/.exec(text)?.[0] ?? ''}`.trim(),
  );

/** What each program writes, by its source, and what follows from the SDM and from KVM's source. */
const EXPECTED: Record<string, { by61: string[]; by72: string[]; pairs: string }> = {
  // OvmfPkg, QemuInitializeRam(): default WB, UC for 640K to 1M by fixed ranges, and from the 32-bit aperture to 4 GiB.
  'ovmf-q35': { by61: [], by72: [], pairs: 'WB UC@0x80000000+0x80000000' },
  // The same with a 64-bit BAR of 32 GiB at 56 TiB, which the default makes WB (edk2 has no pair for it).
  'ovmf-64-bit-bar': {
    by61: ['warning mmio-type 0x380000000000-0x3807ffffffff'],
    by72: ['warning mmio-type 0x380000000000-0x3807ffffffff'],
    pairs: 'UC WB@0x0+0x80000000 WB@0x100000000+0x80000000',
  },
  // SeaBIOS, mtrr_setup(): WP for 768K to 1M, one pair of UC from pcimem_start: on i440fx where low RAM ends.
  'seabios-i440fx': { by61: [], by72: [], pairs: 'WB UC@0xc0000000+0x40000000' },
  // On q35 that is above the window of PCIe's configuration space, and low RAM ends at 2 GiB: what is between stays WB.
  'seabios-q35': {
    by61: ['warning mmio-type 0x80000000-0xafffffff'],
    by72: ['warning mmio-type 0x80000000-0xafffffff'],
    pairs: 'WB UC@0x80000000+0x80000000',
  },
  // crosvm, mtrr_msrs(): pairs of UC from the end of low RAM, aligned.
  crosvm: { by61: [], by72: [], pairs: 'WB UC@0xd0000000+0x10000000 UC@0xe0000000+0x20000000' },
  // cloud-hypervisor, boot_msr_entries(): the default type WB alone.
  'cloud-hypervisor': {
    by61: ['warning mmio-type 0xc0000000-0xffffffff'],
    by72: ['warning mmio-type 0xc0000000-0xffffffff'],
    pairs: 'WB UC@0xc0000000+0x40000000',
  },
  // A microVM whose restore left the MTRRs out: E=0, so UC by mtrr_disabled_type() where KVM asks; 7.2 does not.
  'firecracker-restored': {
    by61: ['error mtrrs-off', 'error ram-type 0x0-0x9efff', 'error ram-type 0x100000-0xfffffff'],
    by72: ['warning ram-type 0x0-0x9efff', 'warning ram-type 0x100000-0xfffffff', 'note mtrrs-off'],
    pairs: 'UC WB@0x0+0x10000000',
  },
  // Ranges one after another, each of the size up to its end (from a public report): the last matches all, so all is WB.
  'openvmm-like': {
    by61: [
      ...new Array(3).fill('warning base-alignment'),
      'warning mask-empty',
      'warning mmio-type 0xf8000000-0xffffffff',
      'warning mmio-type 0xff8000000-0xfffffffff',
    ],
    by72: [
      ...new Array(3).fill('warning base-alignment'),
      'warning mask-empty',
      'warning mmio-type 0xf8000000-0xffffffff',
      'warning mmio-type 0xff8000000-0xfffffffff',
    ],
    pairs: 'WB UC@0xf8000000+0x8000000 UC@0xff8000000+0x8000000',
  },
  // Xen's hvmloader, cacheattr_init(): UC for both PCI windows, WC for VGA.
  'xen-hvmloader': { by61: [], by72: [], pairs: 'WB UC@0xf0000000+0x10000000 UC@0x1000000000+0x100000' },
  // A log of hardware: UC over WB [0,16G), which KVM up to 6.10 lets lose (D1), and 256 MiB of RAM that no pair covers.
  'bare-metal': {
    by61: ['error kernel-departs 0xb0000000-0xffffffff', 'error ram-type 0x440000000-0x44fffffff'],
    by72: ['warning ram-type 0x440000000-0x44fffffff'],
    pairs: 'WB UC@0xb0000000+0x10000000 UC@0xc0000000+0x40000000',
  },
};

describe('check on set-ups as they are met', () => {
  it('has a file for each', () => {
    const names = readdirSync(SETUPS).map((file) => file.replace('.txt', ''));
    expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
    expect(names.length).toBe(10);
  });

  it.each(Object.entries(EXPECTED))('%s', async (name, { by61, by72, pairs }) => {
    expect(await found(name, '6.1')).toEqual(by61);
    expect(await found(name, '7.2')).toEqual(by72);
    const solved = await check(name, '--solve');
    const told = solved.pairs.map(
      ({ type, base, size }: { type: string; base: string; size: string }) => `${type}@${base}+${size}`,
    );
    expect([solved.default, ...told].join(' ')).toBe(pairs);
  });
});
