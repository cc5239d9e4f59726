import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostChange, isSameThing, parameterPath, VFIO_PCI } from './host/changes.js';
import type { Journal } from './host/journal.js';
import { HOST } from './host/paths.js';
import { hasIommu, pciDir, pciDriver, readTrimmed } from './pci.js';
import { DmaError } from './types.js';

const UNSAFE_MODE = ['vfio', 'enable_unsafe_noiommu_mode'] as const;
const ON = 'Y';

/** Path of the module parameter that lets VFIO have devices without an IOMMU. */
export const unsafeModePath = (host = HOST): string => parameterPath(...UNSAFE_MODE, host);

/** Name of the character device that VFIO has made for a device, such as `vfio0`; undefined before 6.6 or without. */
export function cdevOf(deviceDir: string, host = HOST): string | undefined {
  const dir = join(deviceDir, 'vfio-dev');
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.find((name) => existsSync(join(host.dev, 'vfio/devices', name)));
}

/** driver_override as it stands; null if there is none. */
function overrideOf(bdf: string, host = HOST): string | null {
  const value = readFileSync(join(pciDir(bdf, host), 'driver_override'), 'utf8').trim();
  return value === '(null)' || value === '' ? null : value;
}

/** A PCI function that was named, given to vfio-pci while somebody uses it. */
export class PciDevice {
  #users = 0;
  readonly #undo: HostChange[] = [];

  constructor(
    readonly bdf: string,
    readonly journal: Journal,
    readonly host = HOST,
  ) {}

  /** Have it bound to vfio-pci. @throws DmaError, or the file system's error; the host is as before then */
  take(): void {
    if (this.#users++ > 0) return;
    try {
      if (!hasIommu(this.bdf, this.host)) this.#allowNoIommu();
      if (pciDriver(this.bdf, this.host) !== VFIO_PCI) this.#bind();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Use it no longer; the last user gives it back to the driver it had. */
  release(): void {
    if (--this.#users > 0) return;
    for (let change = this.#undo.pop(); change !== undefined; change = this.#undo.pop()) {
      this.journal.undo(change);
    }
  }

  #change(change: HostChange, make: () => void): void {
    this.journal.change(change, make);
    this.#undo.push(change);
  }

  /** Turn VFIO's unsafe mode on: it must be on when the device is bound. */
  #allowNoIommu(): void {
    const path = unsafeModePath(this.host);
    const value = readTrimmed(path);
    const wish: HostChange = { kind: 'parameter', module: UNSAFE_MODE[0], name: UNSAFE_MODE[1], value };
    // What another run of this program has turned on is not how the host was.
    const change = this.journal.others().find((other) => isSameThing(other, wish)) ?? wish;
    if (change === wish && value === ON) return;
    this.#change({ ...change }, () => this.host.write(path, ON));
  }

  #bind(): void {
    const { bdf, host } = this;
    const dir = pciDir(bdf, host);
    const driver = pciDriver(bdf, host) ?? null;
    this.#change({ kind: 'binding', bdf, driver, override: overrideOf(bdf, host) }, () => {
      host.write(join(dir, 'driver_override'), VFIO_PCI);
      if (driver !== null) host.write(join(dir, 'driver/unbind'), bdf);
      host.write(join(host.sys, 'bus/pci/drivers_probe'), bdf);
    });
    if (pciDriver(bdf, host) !== VFIO_PCI) {
      throw new DmaError(`${VFIO_PCI} does not take ${bdf}: the kernel's log says why`);
    }
  }
}
