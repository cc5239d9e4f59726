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

class VfioContainerHandle : public Handle<VfioContainerHandle, VfioContainerState> {
public:
  static constexpr Kind kKind = Kind::VfioContainer;
  static Napi::Function define(Napi::Env env, const char *name);
  using Handle::Handle;

private:
  Napi::Value number(const Napi::CallbackInfo &info);
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

/** openVfioContainer(path) */
Napi::Value openVfioContainer(const Napi::CallbackInfo &info);
/** openVfioGroup(path) */
Napi::Value openVfioGroup(const Napi::CallbackInfo &info);

} // namespace kvm
