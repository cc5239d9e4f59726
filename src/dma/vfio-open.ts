import type { Journal } from './host/journal.js';
import { HOST, type Host } from './host/paths.js';
import { createMdev } from './mdev.js';
import type { PciDevice } from './pci-device.js';
import { DmaError } from './types.js';
import type { VfioFile } from './vfio-file.js';

/** What files of VFIO are made of. */
export interface VfioMeans {
  /** The PCI function that may be taken; undefined if none was named or it is not there. */
  pci: PciDevice | undefined;
  journal: Journal;
  host?: Host;
}

export type VfioOpener = (means: VfioMeans) => VfioFile;

/** A file that gives back what it is of when it is closed, or cannot be opened. */
function holding(open: () => VfioFile, giveBack: () => void): VfioFile {
  try {
    const file = open();
    return {
      fd: file.fd,
      close: () => {
        file.close();
        giveBack();
      },
    };
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** Take the PCI function as long as a file of it is open. */
export const ofPci =
  (open: (bdf: string, host: Host) => VfioFile): VfioOpener =>
  ({ pci, host = HOST }) => {
    if (pci === undefined) throw new DmaError('no device was named for non-coherent DMA');
    pci.take();
    return holding(
      () => open(pci.bdf, host),
      () => pci.release(),
    );
  };

/** Have a mediated device as long as a file of it is open; `dir` is its directory in sysfs, `what` its name in errors. */
export const ofMdev =
  (open: (dir: string, what: string, host: Host) => VfioFile): VfioOpener =>
  ({ journal, host = HOST }) => {
    const mdev = createMdev(journal, host);
    return holding(
      () => open(mdev.dir, `mediated device ${mdev.uuid}`, host),
      () => mdev.remove(),
    );
  };
