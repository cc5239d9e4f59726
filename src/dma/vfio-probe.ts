// What must hold for the ways of VFIO: each says what is missing, and what would lift it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Missing } from '../text/missing.js';
import { VFIO_PCI } from './host/changes.js';
import { HOST, type Host } from './host/paths.js';
import { whyNoMdev } from './mdev.js';
import { enforcesCoherency, groupMates, hasIommu, pciDir, pciDriver, pciGroup } from './pci.js';
import { unsafeModePath } from './pci-device.js';

/** What decides which VFIO files can be had. */
export interface VfioSituation {
  /** PCI function that may be taken, as it was named; null if none was. */
  device: string | null;
  /** `uname -r` */
  release: string;
  /** Whether this process may change the host. */
  isRoot: boolean;
  /** Give KVM a group without an IOMMU, and say what it says to that; what is taken for it is given back. */
  tryNoIommu?: () => Missing | undefined;
  host?: Host;
}

export type VfioProbe = (s: VfioSituation) => Missing | undefined;

const NAME_ONE = 'name a PCI device that may be taken: --vfio <pci address>';
const CDEV_REGION = 'vfio-dev'; // vfio_cdev_init()
const GROUP_REGION = 'vfio'; // vfio_group_init()

/** Whether the kernel has a range of character devices with this name. */
function hasRegion(name: string, host = HOST): boolean {
  const path = join(host.proc, 'devices');
  return existsSync(path) && new RegExp(`^ *\\d+ ${name}$`, 'm').test(readFileSync(path, 'utf8'));
}

export const beRoot: VfioProbe = ({ isRoot }) =>
  isRoot ? undefined : { reason: 'only root may make and take VFIO devices', lift: 'run as root' };

export const haveGroups: VfioProbe = ({ host }) =>
  hasRegion(GROUP_REGION, host)
    ? undefined
    : { reason: 'this kernel has no VFIO groups, or vfio is not loaded', lift: 'modprobe vfio' };

export const haveCdevs: VfioProbe = ({ host }) =>
  hasRegion(CDEV_REGION, host)
    ? undefined
    : {
        reason: 'this kernel has no VFIO device files, or vfio is not loaded',
        lift: 'modprobe vfio on a kernel of 6.6 or later with CONFIG_VFIO_DEVICE_CDEV=y',
      };

export const beNamed: VfioProbe = ({ device, host }) => {
  if (device === null) return { reason: 'no device was named for non-coherent DMA', lift: NAME_ONE };
  return existsSync(pciDir(device, host))
    ? undefined
    : { reason: `there is no PCI device ${device}`, lift: NAME_ONE };
};

export const haveDriver: VfioProbe = ({ host = HOST }) =>
  existsSync(join(host.sys, 'bus/pci/drivers', VFIO_PCI))
    ? undefined
    : { reason: `the driver ${VFIO_PCI} is not loaded`, lift: `modprobe ${VFIO_PCI}` };

export const allowNoIommu: VfioProbe = ({ host }) =>
  existsSync(unsafeModePath(host))
    ? undefined
    : {
        reason: 'this kernel has no VFIO no-IOMMU mode',
        lift: 'modprobe vfio vfio-pci on a kernel with CONFIG_VFIO_NOIOMMU=y',
      };

export const haveNoIommu: VfioProbe = ({ device, host }) =>
  hasIommu(device ?? '', host)
    ? {
        reason: `${device} is behind an IOMMU`,
        lift: 'boot with intel_iommu=off, or name a device without an IOMMU',
      }
    : undefined;

export const haveIommu: VfioProbe = ({ device, host }) =>
  hasIommu(device ?? '', host)
    ? undefined
    : {
        reason: `no IOMMU translates the DMA of ${device}`,
        lift: 'run where an IOMMU is active (intel_iommu=on), or in QEMU with an emulated one',
      };

/** The IOMMU, if there is one, must let the device ask for DMA that is not snooped. */
export const beNoncoherent: VfioProbe = ({ device, host }) =>
  device !== null && hasIommu(device, host) && enforcesCoherency(device, host) === true
    ? {
        reason: `the IOMMU of ${device} keeps all its DMA coherent`,
        lift: 'name a device behind an IOMMU without snoop control (ECAP.SC=0), such as integrated graphics',
      }
    : undefined;

/** VFIO hands out a group only if every function in it is its own or nobody's (vfio_group_viable()). */
export const ownGroup: VfioProbe = ({ device, host }) => {
  const mates = groupMates(device ?? '', host).filter(
    (bdf) => ![undefined, VFIO_PCI, 'pcieport'].includes(pciDriver(bdf, host)),
  );
  if (mates.length === 0) return undefined;
  return {
    reason: `IOMMU group ${pciGroup(device ?? '', host)} also holds ${mates.join(', ')}, which other drivers use`,
    lift: 'name a device that is alone in its group, or unbind the others',
  };
};

/** Major and minor of a version. */
type Series = readonly [major: number, minor: number];

export function isBefore(release: string, [major, minor]: Series): boolean {
  const [x = 0, y = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return x < major || (x === major && y < minor);
}

/** The oldest that was seen to take it; 5.10 does not (vfio_group_add_container_user()). */
const NOIOMMU_GROUP: Series = [6, 1];

/** KVM must take the group of a function without an IOMMU: ask a kernel of which it is not known. */
export const beTaken: VfioProbe = ({ release, tryNoIommu }) =>
  isBefore(release, NOIOMMU_GROUP) ? tryNoIommu?.() : undefined;

const NOIOMMU_CDEV: Series = [7, 3]; // CONFIG_IOMMUFD_NOIOMMU, which VFIO_NOIOMMU selects

/** A device file for a function without an IOMMU. */
export const haveCdevWithoutIommu: VfioProbe = (s) => {
  if (hasIommu(s.device ?? '', s.host)) return undefined;
  if (!isBefore(s.release, NOIOMMU_CDEV)) return allowNoIommu(s);
  return {
    reason: `this kernel has no VFIO device file for ${s.device}, which no IOMMU translates`,
    lift: `run on a kernel of ${NOIOMMU_CDEV.join('.')} or later, or where an IOMMU is active`,
  };
};

export const haveMdev: VfioProbe = ({ host }) => whyNoMdev(host);
