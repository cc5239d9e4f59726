import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Missing } from '../text/missing.js';
import { mdevDir } from './host/changes.js';
import type { Journal } from './host/journal.js';
import { HOST } from './host/paths.js';

/** The kernel's sample of a mediated device, a serial port: samples/vfio-mdev/mtty.c. */
const SAMPLE = 'class/mdev_bus/mtty/mdev_supported_types/mtty-1';

/** Ask the kernel: for one uuid Node would load its crypto module and start OpenSSL's generator. */
const UUIDS = '/proc/sys/kernel/random/uuid';

const typeDir = (host = HOST): string => join(host.sys, SAMPLE);

/** Why no mediated device can be made; undefined if one can. */
export function whyNoMdev(host = HOST): Missing | undefined {
  const dir = typeDir(host);
  if (!existsSync(join(dir, 'create'))) {
    return {
      reason: 'there is no mediated sample device: the driver mtty is not loaded',
      lift: 'modprobe mtty on a kernel with CONFIG_SAMPLE_VFIO_MDEV_MTTY',
    };
  }
  const left = readFileSync(join(dir, 'available_instances'), 'utf8').trim();
  if (left === '0')
    return {
      reason: 'mtty has no port left for another mediated device',
      lift: 'remove some mediated devices',
    };
  return undefined;
}

/** A mediated device that this process made. */
export interface Mdev {
  uuid: string;
  /** Its directory in sysfs. */
  dir: string;
  remove(): void;
}

/** Make a mediated device. It has no IOMMU, and its DMA is the driver's own. */
export function createMdev(journal: Journal, host = HOST): Mdev {
  const uuid = readFileSync(UUIDS, 'utf8').trim();
  const change = { kind: 'mdev', uuid } as const;
  journal.change(change, () => host.write(join(typeDir(host), 'create'), uuid));
  return { uuid, dir: mdevDir(uuid, host), remove: () => journal.undo(change) };
}
