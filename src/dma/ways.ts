import type { DmaWay } from '../arch/dma-ways.js';
import { VFIO_NOIOMMU_IOMMU, VFIO_TYPE1v2_IOMMU } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import type { Host } from './host/paths.js';
import { type FoundFlag, memslotProvider, mustHaveFlag } from './memslot-flag.js';
import { linkName, pciDir, pciGroup } from './pci.js';
import { cdevOf } from './pci-device.js';
import { mustHaveQuirk, quirkProvider } from './quirk.js';
import { DmaError, type NoncoherentProvider } from './types.js';
import { VfioProvider } from './vfio.js';
import { openCdev, openGroup } from './vfio-file.js';
import { ofMdev, ofPci, type VfioMeans, type VfioOpener } from './vfio-open.js';
import * as must from './vfio-probe.js';
import { mustHaveVirtio, type VirtioType, virtioProvider } from './virtio-device.js';

/** What decides which ways there are, and what they are made of. */
export interface Means extends must.VfioSituation, VfioMeans {
  /** KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2) */
  quirks: number;
  virtio: VirtioType;
  memslot: FoundFlag;
}

interface Way {
  /** What must hold, in the order in which it is best told; each says what is missing and what lifts it. */
  needs: readonly ((means: Means) => Missing | undefined)[];
  provider: (means: Means) => NoncoherentProvider;
}

const vfio = (needs: readonly must.VfioProbe[], open: VfioOpener) => ({
  needs,
  provider: (means: VfioMeans) => new VfioProvider(() => open(means)),
});

/** Something that VFIO must have made. */
function made(name: string | undefined, what: string): string {
  if (name === undefined) throw new DmaError(`VFIO has made no file for ${what}`);
  return name;
}

const groupOf = (bdf: string, host: Host): string => made(pciGroup(bdf, host), bdf);

/** The table of all ways: what each needs, and who provides it. */
export const WAYS = {
  'vfio-noiommu': vfio(
    [must.beNamed, must.allowNoIommu, must.haveDriver, must.haveNoIommu, must.beRoot, must.beTaken],
    ofPci((bdf, host) => openGroup(`noiommu-${groupOf(bdf, host)}`, VFIO_NOIOMMU_IOMMU, bdf, host)),
  ),
  'vfio-type1': vfio(
    [
      must.beNamed,
      must.haveGroups,
      must.haveDriver,
      must.haveIommu,
      must.beNoncoherent,
      must.ownGroup,
      must.beRoot,
    ],
    ofPci((bdf, host) => openGroup(groupOf(bdf, host), VFIO_TYPE1v2_IOMMU, bdf, host)),
  ),
  'vfio-cdev': vfio(
    [
      must.beNamed,
      must.haveCdevs,
      must.haveDriver,
      must.haveCdevWithoutIommu,
      must.beNoncoherent,
      must.beRoot,
    ],
    ofPci((bdf, host) => openCdev(made(cdevOf(pciDir(bdf, host), host), bdf), bdf, host)),
  ),
  'vfio-mdev': vfio(
    [must.haveGroups, must.haveMdev, must.beRoot],
    ofMdev((dir, what, host) => openGroup(made(linkName(`${dir}/iommu_group`), what), undefined, what, host)),
  ),
  'mdev-cdev': vfio(
    [must.haveCdevs, must.haveMdev, must.beRoot],
    ofMdev((dir, what, host) => openCdev(made(cdevOf(dir, host), what), what, host)),
  ),
  'virtio-device': { needs: [mustHaveVirtio], provider: ({ virtio }: Means) => virtioProvider(virtio.type) },
  'memslot-flag': { needs: [mustHaveFlag], provider: ({ memslot }: Means) => memslotProvider(memslot.flag) },
  'quirk-ignore-guest-pat': { needs: [mustHaveQuirk], provider: () => quirkProvider },
} as const satisfies Record<DmaWay, Way>;

/** What is missing of what must hold; undefined if nothing is. */
export function firstMissing<S>(
  needs: readonly ((situation: S) => Missing | undefined)[],
  situation: S,
): Missing | undefined {
  for (const need of needs) {
    const missing = need(situation);
    if (missing !== undefined) return missing;
  }
  return undefined;
}
