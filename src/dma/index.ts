import { existsSync } from 'node:fs';
import type { Missing } from './missing.js';
import { listPci, pciId } from './pci.js';
import type { NoncoherentProvider } from './types.js';
import { VfioNoiommu, whyNoNoiommu } from './vfio-noiommu.js';

/** Bochs' and QEMU's network card, which the lab gives its kernels for this purpose. */
const LAB_DEVICE = '8086:100e';

/** A provider, or why there is none; with the device that was named, if it exists. */
export type NoncoherentChoice = { device: string | undefined } & (
  | { provider: NoncoherentProvider }
  | { missing: Missing }
);

/** The device that `name` stands for: `lab` is the lab's own network card. */
function deviceOf(name: string | null): string | undefined {
  if (name === 'lab') return listPci().find((bdf) => pciId(bdf) === LAB_DEVICE);
  return name !== null && existsSync(`/sys/bus/pci/devices/${name}`) ? name : undefined;
}

/** Make the named device ready to stand for non-coherent DMA; touch no other. */
export function openNoncoherent(name: string | null): NoncoherentChoice {
  const device = deviceOf(name);
  if (device === undefined) {
    const reason =
      name === null ? 'no device was named for non-coherent DMA' : `there is no PCI device ${name}`;
    return { device, missing: { reason, lift: 'name a PCI device that may be taken: --vfio <pci address>' } };
  }
  const missing = whyNoNoiommu(device);
  return missing === undefined ? { device, provider: new VfioNoiommu(device) } : { device, missing };
}
