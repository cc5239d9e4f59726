import { describe, expect, it } from 'vitest';
import {
  HostMemory,
  Iommufd,
  KvmError,
  VFIO_NOIOMMU_IOMMU,
  VFIO_TYPE1_IOMMU,
  VfioContainer,
  VfioDevice,
  VfioGroup,
} from '../../src/kvm/index.js';

// A container and a group need a device that is bound to vfio-pci: the scenarios on non-coherent DMA drive one in the lab.

describe('VFIO', () => {
  it.each([
    ['container', () => VfioContainer.open('/dev/vfio/absent')],
    ['group', () => VfioGroup.open('/dev/vfio/absent')],
    ['device', () => VfioDevice.open('/dev/vfio/devices/absent')],
    ['iommufd', () => Iommufd.open('/dev/absent')],
  ])('says when there is no %s', (_, open) => {
    expect(open).toThrow(expect.objectContaining({ code: 'KVM_OPEN', errnoName: 'ENOENT' }));
  });

  it('refuses what is not VFIO', () => {
    using container = VfioContainer.open('/dev/null');
    using group = VfioGroup.open('/dev/null');
    using device = VfioDevice.open('/dev/null');
    using iommufd = Iommufd.open('/dev/null');
    using ram = HostMemory.memfd(4096);
    const dma = { iova: 0n, size: 4096n, userspaceAddr: ram.address };
    const calls: [string, () => unknown][] = [
      ['VFIO_GET_API_VERSION', () => container.apiVersion()],
      ['VFIO_CHECK_EXTENSION', () => container.checkExtension(VFIO_TYPE1_IOMMU)],
      ['VFIO_SET_IOMMU', () => container.setIommu(VFIO_NOIOMMU_IOMMU)],
      ['VFIO_IOMMU_MAP_DMA', () => container.mapDma(dma)],
      ['VFIO_IOMMU_UNMAP_DMA', () => container.unmapDma(0n, 4096n)],
      ['VFIO_GROUP_GET_STATUS', () => group.status()],
      ['VFIO_GROUP_SET_CONTAINER', () => group.setContainer(container)],
      ['VFIO_GROUP_UNSET_CONTAINER', () => group.unsetContainer()],
      ['VFIO_GROUP_GET_DEVICE_FD', () => group.openDevice('0000:00:00.0')],
      ['VFIO_DEVICE_BIND_IOMMUFD', () => device.bind(iommufd)],
      ['VFIO_DEVICE_ATTACH_IOMMUFD_PT', () => device.attach(1)],
      ['IOMMU_IOAS_ALLOC', () => iommufd.allocateIoas()],
    ];
    for (const [operation, call] of calls) {
      expect(call).toThrow(expect.objectContaining({ code: 'KVM_IOCTL', operation, errnoName: 'ENOTTY' }));
    }
  });

  it('maps no memory that is not a HostMemory', () => {
    using container = VfioContainer.open('/dev/null');
    expect(() => container.mapDma({ iova: 0n, size: 4096n, userspaceAddr: 0x1000n })).toThrow(KvmError);
  });
});
