import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pciDir, pciDriver } from '../pci.js';
import { HOST } from './paths.js';

/** Driver that stands for user space. */
export const VFIO_PCI = 'vfio-pci';

/** A change of the host, by what undoes it. */
export type HostChange =
  /** A module parameter had this value. */
  | { kind: 'parameter'; module: string; name: string; value: string }
  /** A PCI function had this driver and this driver_override, or none, before it was given to vfio-pci. */
  | { kind: 'binding'; bdf: string; driver: string | null; override: string | null }
  /** A mediated device was made. */
  | { kind: 'mdev'; uuid: string };

type Of<K extends HostChange['kind']> = Extract<HostChange, { kind: K }>;

/** Path of a module parameter in sysfs. */
export const parameterPath = (module: string, name: string, host = HOST): string =>
  join(host.sys, 'module', module, 'parameters', name);

/** Directory in sysfs of a mediated device. */
export const mdevDir = (uuid: string, host = HOST): string => join(host.sys, 'bus/mdev/devices', uuid);

/** Whether both are about the same thing of the host. */
export function isSameThing(a: HostChange, b: HostChange): boolean {
  const key = (c: HostChange): string =>
    c.kind === 'parameter' ? `${c.module}.${c.name}` : c.kind === 'binding' ? c.bdf : c.uuid;
  return a.kind === b.kind && key(a) === key(b);
}

function putBackParameter(change: Of<'parameter'>, host = HOST): void {
  const path = parameterPath(change.module, change.name, host);
  if (existsSync(path)) host.write(path, change.value);
}

function putBackBinding({ bdf, driver, override }: Of<'binding'>, host = HOST): void {
  const dir = pciDir(bdf, host);
  if (!existsSync(dir)) return;
  // An empty line clears the override (driver_set_override()).
  host.write(join(dir, 'driver_override'), override ?? '\n');
  const now = pciDriver(bdf, host);
  if (now === (driver ?? undefined)) return;
  if (now === VFIO_PCI) host.write(join(dir, 'driver/unbind'), bdf);
  if (driver !== null) host.write(join(host.sys, 'bus/pci/drivers_probe'), bdf);
}

function removeMdev({ uuid }: Of<'mdev'>, host = HOST): void {
  const remove = join(mdevDir(uuid, host), 'remove');
  if (existsSync(remove)) host.write(remove, '1');
}

/** Put the host back as it was before a change; nothing happens if it is so already, or if the thing is gone. */
export function undoChange(change: HostChange, host = HOST): void {
  switch (change.kind) {
    case 'parameter':
      putBackParameter(change, host);
      break;
    case 'binding':
      putBackBinding(change, host);
      break;
    case 'mdev':
      removeMdev(change, host);
      break;
  }
}

const NAME = /^[\w-]{1,64}$/;
const BDF = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const isText = (value: unknown, form: RegExp): boolean => typeof value === 'string' && form.test(value);
const isNullOr = (value: unknown, form: RegExp): boolean => value === null || isText(value, form);

/** Whether a value read from a file is a change: it decides what is written into sysfs, so nothing else may pass. */
export function isHostChange(value: unknown): value is HostChange {
  if (typeof value !== 'object' || value === null) return false;
  const c = value as Record<string, unknown>;
  switch (c.kind) {
    case 'parameter':
      return isText(c.module, NAME) && isText(c.name, NAME) && isText(c.value, NAME);
    case 'binding':
      return isText(c.bdf, BDF) && isNullOr(c.driver, NAME) && isNullOr(c.override, NAME);
    case 'mdev':
      return isText(c.uuid, UUID);
    default:
      return false;
  }
}
