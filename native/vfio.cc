#include "vfio.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "args.h"
#include "file.h"
#include "memory.h"
#include "uapi.h"

namespace kvm {

namespace {

constexpr Ioctl kContainerIoctls[] = {
    {"apiVersion", KVM_OP(VFIO_GET_API_VERSION)},
    {"checkExtension", KVM_OP(VFIO_CHECK_EXTENSION), Shape::Value},
    {"setIommu", KVM_OP(VFIO_SET_IOMMU), Shape::Value},
};

constexpr Ioctl kGroupIoctls[] = {
    {"getStatus", KVM_OP(VFIO_GROUP_GET_STATUS), Shape::Struct, sizeof(vfio_group_status)},
    {"unsetContainer", KVM_OP(VFIO_GROUP_UNSET_CONTAINER)},
};

constexpr Ioctl kDeviceIoctls[] = {
    {"attach", KVM_OP(VFIO_DEVICE_ATTACH_IOMMUFD_PT), Shape::Struct,
     sizeof(VfioDeviceAttachIommufdPt)},
};

UniqueFd openPath(const Napi::CallbackInfo &info) {
  std::string path = argString(info, 0, "path");
  return UniqueFd(check(info.Env(), open(path.c_str(), O_RDWR | O_CLOEXEC), kOpen, "open"));
}

} // namespace

Napi::Function VfioContainerHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {method("number", &VfioContainerHandle::number),
                                      method("mapDma", &VfioContainerHandle::mapDma),
                                      method("unmapDma", &VfioContainerHandle::unmapDma),
                                      method("closed", &VfioContainerHandle::closed),
                                      method("close", &VfioContainerHandle::close)};
  addIoctls(properties, tableOf(kContainerIoctls));
  return DefineClass(env, name, properties);
}

Napi::Value VfioContainerHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number);
}

/**
 * mapDma(flags, iova, size, userspaceAddr). VFIO pins the pages, so the memory may be unmapped
 * before they are: a device then still reaches those pages, and no others.
 */
Napi::Value VfioContainerHandle::mapDma(const Napi::CallbackInfo &info) {
  VfioContainerState &container = state(info, "VFIO_IOMMU_MAP_DMA");
  vfio_iommu_type1_dma_map request{};
  request.argsz = sizeof(request);
  request.flags = argU32(info, 0, "flags");
  request.iova = argU64(info, 1, "iova");
  request.size = argU64(info, 2, "size");
  request.vaddr = argU64(info, 3, "userspaceAddr");
  auto memory = findMapping(info, request.vaddr, request.size);
  int result = ioctl(container.fd.get(), VFIO_IOMMU_MAP_DMA, &request);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "VFIO_IOMMU_MAP_DMA"));
}

/** unmapDma(iova, size): the bytes unmapped */
Napi::Value VfioContainerHandle::unmapDma(const Napi::CallbackInfo &info) {
  VfioContainerState &container = state(info, "VFIO_IOMMU_UNMAP_DMA");
  vfio_iommu_type1_dma_unmap request{};
  request.argsz = sizeof(request);
  request.iova = argU64(info, 0, "iova");
  request.size = argU64(info, 1, "size");
  int result = ioctl(container.fd.get(), VFIO_IOMMU_UNMAP_DMA, &request);
  check(info.Env(), result, kIoctl, "VFIO_IOMMU_UNMAP_DMA");
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(request.size));
}

Napi::Value VfioContainerHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Function VfioGroupHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {method("fd", &VfioGroupHandle::fdNumber),
                                      method("setContainer", &VfioGroupHandle::setContainer),
                                      method("openDevice", &VfioGroupHandle::openDevice),
                                      method("closed", &VfioGroupHandle::closed),
                                      method("close", &VfioGroupHandle::close)};
  addIoctls(properties, tableOf(kGroupIoctls));
  return DefineClass(env, name, properties);
}

Napi::Value VfioGroupHandle::fdNumber(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "fd").fd.get());
}

/** setContainer(container): the container's number */
Napi::Value VfioGroupHandle::setContainer(const Napi::CallbackInfo &info) {
  VfioGroupState &group = state(info, "VFIO_GROUP_SET_CONTAINER");
  auto container = Registry<VfioContainerState>::find(argU32(info, 0, "container"));
  if (!container) {
    failArgument(info.Env(), "container", "must be an open VfioContainer");
  }
  int fd = container->fd.get();
  int result = ioctl(group.fd.get(), VFIO_GROUP_SET_CONTAINER, &fd);
  return Napi::Number::New(info.Env(),
                           check(info.Env(), result, kIoctl, "VFIO_GROUP_SET_CONTAINER"));
}

/** openDevice(name): the VFIO device, a File, by its name in sysfs */
Napi::Value VfioGroupHandle::openDevice(const Napi::CallbackInfo &info) {
  VfioGroupState &group = state(info, "VFIO_GROUP_GET_DEVICE_FD");
  std::string name = argString(info, 0, "name");
  int fd = check(info.Env(), ioctl(group.fd.get(), VFIO_GROUP_GET_DEVICE_FD, name.c_str()), kIoctl,
                 "VFIO_GROUP_GET_DEVICE_FD");
  return wrapFile(info.Env(), UniqueFd(fd), nullptr);
}

Napi::Value VfioGroupHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Function VfioDeviceHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {
      method("fd", &VfioDeviceHandle::fdNumber), method("bind", &VfioDeviceHandle::bind),
      method("closed", &VfioDeviceHandle::closed), method("close", &VfioDeviceHandle::close)};
  addIoctls(properties, tableOf(kDeviceIoctls));
  return DefineClass(env, name, properties);
}

Napi::Value VfioDeviceHandle::fdNumber(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "fd").fd.get());
}

/** bind(iommufd): the device's id in the iommufd */
Napi::Value VfioDeviceHandle::bind(const Napi::CallbackInfo &info) {
  VfioDeviceState &device = state(info, "VFIO_DEVICE_BIND_IOMMUFD");
  auto iommufd = argFile(info, 0, "iommufd");
  VfioDeviceBindIommufd request{};
  request.argsz = sizeof(request);
  request.iommufd = iommufd->fd.get();
  int result = ioctl(device.fd.get(), VFIO_DEVICE_BIND_IOMMUFD, &request);
  check(info.Env(), result, kIoctl, "VFIO_DEVICE_BIND_IOMMUFD");
  return Napi::Number::New(info.Env(), request.out_devid);
}

Napi::Value VfioDeviceHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value openVfioDevice(const Napi::CallbackInfo &info) {
  auto state = std::make_shared<VfioDeviceState>();
  state->fd = openPath(info);
  return Addon::of(info.Env()).wrap(Kind::VfioDevice, std::move(state));
}

Napi::Value openIommufd(const Napi::CallbackInfo &info) {
  return wrapFile(info.Env(), openPath(info), nullptr);
}

Napi::Value allocateIoas(const Napi::CallbackInfo &info) {
  auto iommufd = argFile(info, 0, "iommufd");
  IommuIoasAlloc request{};
  request.size = sizeof(request);
  int result = ioctl(iommufd->fd.get(), IOMMU_IOAS_ALLOC, &request);
  check(info.Env(), result, kIoctl, "IOMMU_IOAS_ALLOC");
  return Napi::Number::New(info.Env(), request.out_ioas_id);
}

Napi::Value openVfioContainer(const Napi::CallbackInfo &info) {
  UniqueFd fd = openPath(info);
  auto state = makeNumbered<VfioContainerState>();
  state->fd = std::move(fd);
  return Addon::of(info.Env()).wrap(Kind::VfioContainer, std::move(state));
}

Napi::Value openVfioGroup(const Napi::CallbackInfo &info) {
  auto state = std::make_shared<VfioGroupState>();
  state->fd = openPath(info);
  return Addon::of(info.Env()).wrap(Kind::VfioGroup, std::move(state));
}

} // namespace kvm
