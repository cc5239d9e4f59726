#pragma once

#include "uapi.h"

#include "fd.h"
#include "handle.h"

namespace kvm {

struct VmState;

/** Owns: the VM it belongs to, which outlives it, and its fd. */
struct DeviceState {
  std::shared_ptr<VmState> vm;
  UniqueFd fd;
};

/** Run one of the three device attribute ioctls with (group, attr, value?) on any fd that takes
 * them. */
Napi::Value callDeviceAttr(const Napi::CallbackInfo &info, int fd, unsigned long request,
                           const char *operation);

/** Give `Derived`, whose state has an fd, the methods hasAttr, getAttr and setAttr. */
template <class Derived, class State> class AttrHandle : public Handle<Derived, State> {
public:
  using Handle<Derived, State>::Handle;

protected:
  using typename Handle<Derived, State>::Property;
  using typename Handle<Derived, State>::Method;

  template <unsigned long Request> Napi::Value callAttr(const Napi::CallbackInfo &info) {
    const char *operation = static_cast<const char *>(info.Data());
    return callDeviceAttr(info, this->state(info, operation).fd.get(), Request, operation);
  }

  static void addAttrs(std::vector<Property> &properties) {
    add<KVM_HAS_DEVICE_ATTR>(properties, "hasAttr", "KVM_HAS_DEVICE_ATTR");
    add<KVM_GET_DEVICE_ATTR>(properties, "getAttr", "KVM_GET_DEVICE_ATTR");
    add<KVM_SET_DEVICE_ATTR>(properties, "setAttr", "KVM_SET_DEVICE_ATTR");
  }

private:
  template <unsigned long Request>
  static void add(std::vector<Property> &properties, const char *name, const char *operation) {
    properties.push_back(Napi::ObjectWrap<Derived>::InstanceMethod(
        name, static_cast<Method>(&Derived::template callAttr<Request>), napi_default,
        const_cast<char *>(operation)));
  }
};

class DeviceHandle : public AttrHandle<DeviceHandle, DeviceState> {
public:
  static constexpr Kind kKind = Kind::Device;
  static Napi::Function define(Napi::Env env, const char *name);
  using AttrHandle::AttrHandle;

private:
  Napi::Value close(const Napi::CallbackInfo &info);
};

} // namespace kvm
