#include "vfio.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "args.h"
#include "file.h"
#include "memory.h"
#include "requests.h"

namespace kvm {

namespace {

constexpr Ioctl kContainerIoctls[] = {
    {"apiVersion", kVfioGetApiVersion},
    {"checkExtension", kVfioCheckExtension, Shape::Value},
    {"setIommu", kVfioSetIommu, Shape::Value},
};

constexpr Ioctl kGroupIoctls[] = {
    {"getStatus", kVfioGroupGetStatus, Shape::Sized, sizeof(vfio_group_status)},
    {"unsetContainer", kVfioGroupUnsetContainer},
};

constexpr Ioctl kDeviceIoctls[] = {
    {"attach", kVfioDeviceAttachIommufdPt, Shape::Sized, sizeof(vfio_device_attach_iommufd_pt)},
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
  VfioContainerState &container = state(info, kVfioIommuMapDma.name);
  vfio_iommu_type1_dma_map request{};
  request.argsz = sizeof(request);
  request.flags = argU32(info, 0, "flags");
  request.iova = argU64(info, 1, "iova");
  request.size = argU64(info, 2, "size");
  request.vaddr = argU64(info, 3, "userspaceAddr");
  auto memory = findMapping(info, request.vaddr, request.size);
  return Napi::Number::New(info.Env(),
                           call(info.Env(), container.fd.get(), kVfioIommuMapDma, &request));
}

/** unmapDma(iova, size): the bytes unmapped */
Napi::Value VfioContainerHandle::unmapDma(const Napi::CallbackInfo &info) {
  VfioContainerState &container = state(info, kVfioIommuUnmapDma.name);
  vfio_iommu_type1_dma_unmap request{};
  request.argsz = sizeof(request);
  request.iova = argU64(info, 0, "iova");
  request.size = argU64(info, 1, "size");
  call(info.Env(), container.fd.get(), kVfioIommuUnmapDma, &request);
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
  VfioGroupState &group = state(info, kVfioGroupSetContainer.name);
  auto container = Registry<VfioContainerState>::find(argU32(info, 0, "container"));
  if (!container) {
    failArgument(info.Env(), "container", "must be an open VfioContainer");
  }
  int fd = container->fd.get();
  return Napi::Number::New(info.Env(),
                           call(info.Env(), group.fd.get(), kVfioGroupSetContainer, &fd));
}

/** openDevice(name): the VFIO device, a File, by its name in sysfs */
Napi::Value VfioGroupHandle::openDevice(const Napi::CallbackInfo &info) {
  VfioGroupState &group = state(info, kVfioGroupGetDeviceFd.name);
  std::string name = argString(info, 0, "name");
  int fd = call(info.Env(), group.fd.get(), kVfioGroupGetDeviceFd, name.c_str());
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
  VfioDeviceState &device = state(info, kVfioDeviceBindIommufd.name);
  auto iommufd = argFile(info, 0, "iommufd");
  vfio_device_bind_iommufd request{};
  request.argsz = sizeof(request);
  request.iommufd = iommufd->fd.get();
  call(info.Env(), device.fd.get(), kVfioDeviceBindIommufd, &request);
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
  iommu_ioas_alloc request{};
  request.size = sizeof(request);
  call(info.Env(), iommufd->fd.get(), kIommuIoasAlloc, &request);
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
