import { Handle } from '../handle.js';
import { struct, viewOf } from '../layout/bytes.js';
import { type NativeVfioContainer, type NativeVfioDevice, type NativeVfioGroup, native } from '../native.js';
import { VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE } from '../uapi.js';
import { KvmFile } from './file.js';

/** A VFIO container: an IOMMU context that groups are put into. */
export class VfioContainer extends Handle<NativeVfioContainer> {
  /** Open /dev/vfio/vfio. @throws KvmError `KVM_OPEN` */
  static open(path = '/dev/vfio/vfio'): VfioContainer {
    return new VfioContainer(native().openVfioContainer(path));
  }

  /** @internal */
  get number(): number {
    return this.native.number();
  }

  /**
   * VFIO_GET_API_VERSION.
   * Needs basic VFIO.
   */
  apiVersion(): number {
    return this.native.apiVersion();
  }

  /**
   * VFIO_CHECK_EXTENSION.
   * Needs basic VFIO.
   * @param extension VFIO_*_IOMMU
   */
  checkExtension(extension: number): boolean {
    return this.native.checkExtension(extension) !== 0;
  }

  /**
   * VFIO_IOMMU_MAP_DMA: let devices reach a part of an open HostMemory; its pages stay pinned until unmapDma() or the
   * container is gone.
   * Needs VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU.
   * @throws KvmError `KVM_IOCTL`: EINVAL an address or size is not aligned; EEXIST the range is mapped already;
   * ENOMEM over the limit of locked memory
   */
  mapDma(m: { iova: bigint; size: bigint; userspaceAddr: bigint; flags?: number }): void {
    const flags = m.flags ?? VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
    this.native.mapDma(flags, m.iova, m.size, m.userspaceAddr);
  }

  /**
   * VFIO_IOMMU_UNMAP_DMA: the bytes that were unmapped.
   * Needs VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU.
   * @throws KvmError `KVM_IOCTL`: EINVAL the range splits a mapping
   */
  unmapDma(iova: bigint, size: bigint): bigint {
    return this.native.unmapDma(iova, size);
  }

  /**
   * VFIO_SET_IOMMU. The container must hold a group.
   * Needs basic VFIO.
   * @throws KvmError `KVM_IOCTL`: EINVAL there is no group in it, or the type does not fit the group; EPERM without
   * unsafe interrupts allowed
   */
  setIommu(type: number): void {
    this.native.setIommu(type);
  }
}

/** A VFIO group: the devices that one IOMMU context must own together. */
export class VfioGroup extends Handle<NativeVfioGroup> {
  /** Open /dev/vfio/N, or /dev/vfio/noiommu-N. @throws KvmError `KVM_OPEN` */
  static open(path: string): VfioGroup {
    return new VfioGroup(native().openVfioGroup(path));
  }

  /** The descriptor's number, as KVM_DEV_VFIO_FILE_ADD takes it; valid until close(). */
  get fd(): number {
    return this.native.fd();
  }

  /**
   * VFIO_GROUP_GET_STATUS: VFIO_GROUP_FLAGS_*.
   * Needs basic VFIO.
   */
  status(): number {
    const bytes = struct(8, (put) => put.u32(0, 8, 'argsz'));
    this.native.getStatus(bytes);
    return viewOf(bytes).getUint32(4, true);
  }

  /**
   * VFIO_GROUP_SET_CONTAINER.
   * Needs basic VFIO.
   * @throws KvmError `KVM_IOCTL`: EINVAL it has one already, or the container’s IOMMU does not fit; EPERM for
   * no-IOMMU groups without CAP_SYS_RAWIO
   */
  setContainer(container: VfioContainer): void {
    this.native.setContainer(container.number);
  }

  /**
   * VFIO_GROUP_UNSET_CONTAINER.
   * Needs basic VFIO.
   * @throws KvmError `KVM_IOCTL`: EINVAL it has none; EBUSY a device is open
   */
  unsetContainer(): void {
    this.native.unsetContainer();
  }

  /**
   * VFIO_GROUP_GET_DEVICE_FD.
   * Needs basic VFIO.
   * @param name the device's name in sysfs, such as 0000:00:03.0
   * @throws KvmError `KVM_IOCTL`: ENODEV the group has no such device; EINVAL the container has no IOMMU yet; EBUSY
   * somebody has it open
   */
  openDevice(name: string): KvmFile {
    return new KvmFile(this.native.openDevice(name));
  }
}

/** A VFIO device by its own node (Linux 6.6): bound to an iommufd it can be used without container and group. */
export class VfioDevice extends Handle<NativeVfioDevice> {
  /** Open /dev/vfio/devices/vfioN. @throws KvmError `KVM_OPEN` */
  static open(path: string): VfioDevice {
    return new VfioDevice(native().openVfioDevice(path));
  }

  /** The descriptor's number, as KVM_DEV_VFIO_FILE_ADD takes it; valid until close(). */
  get fd(): number {
    return this.native.fd();
  }

  /**
   * VFIO_DEVICE_BIND_IOMMUFD: the device's id in the iommufd.
   * Needs VFIO character devices, Linux 6.6.
   * @throws KvmError `KVM_IOCTL`: EINVAL it is bound already, or the file is no iommufd
   */
  bind(iommufd: Iommufd): number {
    return this.native.bind(iommufd.number);
  }

  /**
   * VFIO_DEVICE_ATTACH_IOMMUFD_PT.
   * Needs VFIO character devices, Linux 6.6.
   * @param id of an address space, as allocateIoas() gives it
   * @throws KvmError `KVM_IOCTL`: ENOENT there is no such address space; EINVAL it does not fit the device
   */
  attach(id: number): void {
    this.native.attach(
      struct(12, (put) => {
        put.u32(0, 12, 'argsz');
        put.u32(8, id, 'id');
      }),
    );
  }
}

/** /dev/iommu (Linux 6.2). */
export class Iommufd extends KvmFile {
  /** @throws KvmError `KVM_OPEN` */
  static open(path = '/dev/iommu'): Iommufd {
    return new Iommufd(native().openIommufd(path));
  }

  /**
   * IOMMU_IOAS_ALLOC: the id of a new address space.
   * Needs iommufd, Linux 6.2.
   * @throws KvmError `KVM_IOCTL`: ENOMEM
   */
  allocateIoas(): number {
    return native().allocateIoas(this.number);
  }
}
