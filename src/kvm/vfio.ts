import { struct, viewOf } from './bytes.js';
import { KvmFile } from './file.js';
import { Handle } from './handle.js';
import { type NativeVfioContainer, type NativeVfioGroup, native } from './native.js';

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

  /** VFIO_GET_API_VERSION. */
  apiVersion(): number {
    return this.native.apiVersion();
  }

  /** VFIO_CHECK_EXTENSION. @param extension VFIO_*_IOMMU */
  checkExtension(extension: number): boolean {
    return this.native.checkExtension(extension) !== 0;
  }

  /** VFIO_SET_IOMMU. The container must hold a group. */
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

  /** VFIO_GROUP_GET_STATUS: VFIO_GROUP_FLAGS_*. */
  status(): number {
    const bytes = struct(8, (view) => view.setUint32(0, 8, true));
    this.native.getStatus(bytes);
    return viewOf(bytes).getUint32(4, true);
  }

  /** VFIO_GROUP_SET_CONTAINER. */
  setContainer(container: VfioContainer): void {
    this.native.setContainer(container.number);
  }

  /** VFIO_GROUP_UNSET_CONTAINER. */
  unsetContainer(): void {
    this.native.unsetContainer();
  }

  /** VFIO_GROUP_GET_DEVICE_FD. @param name the device's name in sysfs, such as 0000:00:03.0 */
  openDevice(name: string): KvmFile {
    return new KvmFile(this.native.openDevice(name));
  }
}
