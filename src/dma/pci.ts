import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HOST } from './host/paths.js';

const ECAP_SNOOP_CONTROL = 1n << 7n; // VT-d specification, "Extended Capability Register", SC

export const readTrimmed = (path: string): string => readFileSync(path, 'utf8').trim();

/** Last part of what a symbolic link points to; undefined if there is no such link. */
export function linkName(path: string): string | undefined {
  return existsSync(path) ? basename(readlinkSync(path)) : undefined;
}

/** Directory in sysfs of the PCI function `bdf` (`0000:00:02.0`). */
export const pciDir = (bdf: string, host = HOST): string => join(host.sys, 'bus/pci/devices', bdf);

/** Every PCI function of this machine. */
export function listPci(host = HOST): string[] {
  const dir = join(host.sys, 'bus/pci/devices');
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** `vendor:device` in hexadecimal, such as `8086:100e`. */
export function pciId(bdf: string, host = HOST): string {
  const id = (file: string): string => readTrimmed(join(pciDir(bdf, host), file)).replace(/^0x/, '');
  return `${id('vendor')}:${id('device')}`;
}

/** Name of the driver bound to `bdf`, or undefined. */
export const pciDriver = (bdf: string, host = HOST): string | undefined =>
  linkName(join(pciDir(bdf, host), 'driver'));

/** Number of the IOMMU group of `bdf`, as text; undefined where no IOMMU is active and VFIO has not made one up. */
export const pciGroup = (bdf: string, host = HOST): string | undefined =>
  linkName(join(pciDir(bdf, host), 'iommu_group'));

/** Whether a group is one that VFIO made up for a device without an IOMMU (vfio_noiommu_group_alloc()). */
function isMadeUpGroup(group: string, host = HOST): boolean {
  const name = join(host.sys, 'kernel/iommu_groups', group, 'name');
  return existsSync(name) && readTrimmed(name) === 'vfio-noiommu';
}

/** Whether an IOMMU translates what `bdf` does. */
export function hasIommu(bdf: string, host = HOST): boolean {
  const group = pciGroup(bdf, host);
  return group !== undefined && !isMadeUpGroup(group, host);
}

/** The other functions in the group of `bdf`. */
export function groupMates(bdf: string, host = HOST): string[] {
  const dir = join(pciDir(bdf, host), 'iommu_group/devices');
  return existsSync(dir) ? readdirSync(dir).filter((name) => name !== bdf) : [];
}

/**
 * Whether the IOMMU of `bdf` enforces cache coherency, as its sysfs says: Intel's by ECAP.SC (intel_iommu_capable()),
 * AMD's always. Undefined if sysfs does not say.
 */
export function enforcesCoherency(bdf: string, host = HOST): boolean | undefined {
  const iommu = join(pciDir(bdf, host), 'iommu');
  if (existsSync(join(iommu, 'amd-iommu'))) return true;
  const ecap = join(iommu, 'intel-iommu/ecap');
  if (!existsSync(ecap)) return undefined;
  return (BigInt(`0x${readTrimmed(ecap)}`) & ECAP_SNOOP_CONTROL) !== 0n;
}
