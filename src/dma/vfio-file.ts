import { closeSync, constants, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { VFIO_DMA_CC_IOMMU, VfioContainer, VfioGroup } from '../kvm/index.js';
import { HOST } from './host/paths.js';
import { DmaError } from './types.js';

/** An open file that KVM_DEV_VFIO_FILE_ADD takes. */
export interface VfioFile {
  fd: number;
  close(): void;
}

const list = (dir: string): string => (existsSync(dir) ? readdirSync(dir).join(', ') : 'nothing');

function mustExist(path: string, what: string): void {
  if (existsSync(path)) return;
  const dir = path.slice(0, path.lastIndexOf('/'));
  throw new DmaError(`there is no ${path} for ${what} (in ${dir}: ${list(dir)})`);
}

/**
 * Put a group into a container of its own. Up to 6.1 it is the container that makes a group count: one without is coherent,
 * and so is one whose IOMMU enforces coherency, while one that has no IOMMU set is not (vfio_file_enforced_coherent()).
 * Later kernels ask each device's IOMMU, and need none.
 */
function contain(group: VfioGroup, iommu: number | undefined, host = HOST): VfioContainer | undefined {
  const path = join(host.dev, 'vfio/vfio');
  if (!existsSync(path)) return undefined;
  const container = VfioContainer.open(path);
  try {
    group.setContainer(container);
    if (iommu !== undefined) container.setIommu(iommu);
    return container;
  } catch (error) {
    container.close();
    throw error;
  }
}

/**
 * Open a VFIO group.
 * @param name of the group in /dev/vfio
 * @param iommu VFIO_*_IOMMU to set on its container, or none
 * @param what the device that it is for, for errors
 * @throws KvmError if VFIO refuses, DmaError if it is not there or its IOMMU keeps DMA coherent after all
 */
export function openGroup(name: string, iommu: number | undefined, what: string, host = HOST): VfioFile {
  const path = join(host.dev, 'vfio', name);
  mustExist(path, what);
  const group = VfioGroup.open(path);
  let container: VfioContainer | undefined;
  const close = (): void => {
    group.close();
    container?.close();
  };
  try {
    container = contain(group, iommu, host);
    if (container?.checkExtension(VFIO_DMA_CC_IOMMU)) {
      throw new DmaError(`the IOMMU of ${what} keeps its DMA coherent (VFIO_DMA_CC_IOMMU)`);
    }
    return { fd: group.fd, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Open the device file of a VFIO device, without binding it to an iommufd. @throws DmaError if it is not there */
export function openCdev(name: string, what: string, host = HOST): VfioFile {
  const path = join(host.dev, 'vfio/devices', name);
  mustExist(path, what);
  const fd = openSync(path, constants.O_RDWR);
  return { fd, close: () => closeSync(fd) };
}
