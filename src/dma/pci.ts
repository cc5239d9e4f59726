import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const DEVICES = '/sys/bus/pci/devices';

const read = (path: string): string => readFileSync(path, 'utf8').trim();

/** Directory in sysfs of the PCI function `bdf` (`0000:00:02.0`). */
export const pciDir = (bdf: string): string => join(DEVICES, bdf);

/** Every PCI function of this machine. */
export const listPci = (): string[] => (existsSync(DEVICES) ? readdirSync(DEVICES).sort() : []);

/** `vendor:device` in hexadecimal, such as `8086:100e`. */
export function pciId(bdf: string): string {
  const id = (file: string): string => read(join(pciDir(bdf), file)).replace(/^0x/, '');
  return `${id('vendor')}:${id('device')}`;
}

/** Name of the driver bound to `bdf`, or undefined. */
export function pciDriver(bdf: string): string | undefined {
  const link = join(pciDir(bdf), 'driver');
  return existsSync(link) ? basename(readlinkSync(link)) : undefined;
}

/** Number of the IOMMU group of `bdf`, or undefined where no IOMMU is active. */
export function pciGroup(bdf: string): number | undefined {
  const link = join(pciDir(bdf), 'iommu_group');
  return existsSync(link) ? Number(basename(realpathSync(link))) : undefined;
}

/** What rebind() found, to be put back. */
export interface Binding {
  bdf: string;
  driver: string | undefined;
}

/** Bind `bdf` to `driver` through driver_override, and say what was there before. */
export function rebind(bdf: string, driver: string): Binding {
  const before = { bdf, driver: pciDriver(bdf) };
  if (before.driver === driver) return before;
  if (before.driver !== undefined) writeFileSync(join(pciDir(bdf), 'driver/unbind'), bdf);
  writeFileSync(join(pciDir(bdf), 'driver_override'), driver);
  writeFileSync('/sys/bus/pci/drivers_probe', bdf);
  return before;
}

/** Put a binding back as rebind() found it. */
export function restore(binding: Binding): void {
  const now = pciDriver(binding.bdf);
  if (now === binding.driver) return;
  if (now !== undefined) writeFileSync(join(pciDir(binding.bdf), 'driver/unbind'), binding.bdf);
  writeFileSync(join(pciDir(binding.bdf), 'driver_override'), '\n');
  if (binding.driver !== undefined) writeFileSync('/sys/bus/pci/drivers_probe', binding.bdf);
}
