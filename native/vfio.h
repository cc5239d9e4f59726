#pragma once

#include "fd.h"
#include "handle.h"
#include "registry.h"

namespace kvm {

/** Owns the fd of a VFIO container. */
struct VfioContainerState {
  ~VfioContainerState() { Registry<VfioContainerState>::remove(number); }

  uint32_t number = 0;
  UniqueFd fd;
};

/** Owns the fd of a VFIO group; the kernel keeps the container it was put into. */
struct VfioGroupState {
  UniqueFd fd;
};

/** Owns the fd of a VFIO device's own node (/dev/vfio/devices/vfioN). */
struct VfioDeviceState {
  UniqueFd fd;
};

class VfioContainerHandle : public Handle<VfioContainerHandle, VfioContainerState> {
public:
  static constexpr Kind kKind = Kind::VfioContainer;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  Napi::Value number(const Napi::CallbackInfo &info);
  Napi::Value mapDma(const Napi::CallbackInfo &info);
  Napi::Value unmapDma(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

class VfioGroupHandle : public Handle<VfioGroupHandle, VfioGroupState> {
public:
  static constexpr Kind kKind = Kind::VfioGroup;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  Napi::Value fdNumber(const Napi::CallbackInfo &info);
  Napi::Value setContainer(const Napi::CallbackInfo &info);
  Napi::Value openDevice(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

class VfioDeviceHandle : public Handle<VfioDeviceHandle, VfioDeviceState> {
public:
  static constexpr Kind kKind = Kind::VfioDevice;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  Napi::Value fdNumber(const Napi::CallbackInfo &info);
  Napi::Value bind(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

/** openVfioDevice(path) */
Napi::Value openVfioDevice(const Napi::CallbackInfo &info);
/** openIommufd(path): a File */
Napi::Value openIommufd(const Napi::CallbackInfo &info);
/** allocateIoas(file): the id of a new address space of an iommufd */
Napi::Value allocateIoas(const Napi::CallbackInfo &info);
/** openVfioContainer(path) */
Napi::Value openVfioContainer(const Napi::CallbackInfo &info);
/** openVfioGroup(path) */
Napi::Value openVfioGroup(const Napi::CallbackInfo &info);

} // namespace kvm
