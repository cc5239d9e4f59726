#include "vfio.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "args.h"
#include "file.h"

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

UniqueFd openPath(const Napi::CallbackInfo &info) {
  std::string path = argString(info, 0, "path");
  return UniqueFd(check(info.Env(), open(path.c_str(), O_RDWR | O_CLOEXEC), kOpen, "open"));
}

} // namespace

Napi::Function VfioContainerHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {method("number", &VfioContainerHandle::number),
                                      method("closed", &VfioContainerHandle::closed),
                                      method("close", &VfioContainerHandle::close)};
  addIoctls(properties, tableOf(kContainerIoctls));
  return DefineClass(env, name, properties);
}

Napi::Value VfioContainerHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number);
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
