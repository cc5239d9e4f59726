#pragma once

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
Napi::Value callDeviceAttr(const Napi::CallbackInfo &info, int fd, const Request &request);

/** Give `Derived`, whose state has an fd, the methods hasAttr, getAttr and setAttr. */
template <class Derived, class State> class AttrHandle : public Handle<Derived, State> {
public:
  using Handle<Derived, State>::Handle;

protected:
  using typename Handle<Derived, State>::Property;
  using typename Handle<Derived, State>::Method;

  template <const Request &Attr> Napi::Value callAttr(const Napi::CallbackInfo &info) {
    return callDeviceAttr(info, this->state(info, Attr.name).fd.get(), Attr);
  }

  static void addAttrs(std::vector<Property> &properties) {
    add<kHasDeviceAttr>(properties, "hasAttr");
    add<kGetDeviceAttr>(properties, "getAttr");
    add<kSetDeviceAttr>(properties, "setAttr");
  }

private:
  template <const Request &Attr>
  static void add(std::vector<Property> &properties, const char *name) {
    properties.push_back(Napi::ObjectWrap<Derived>::InstanceMethod(
        name, static_cast<Method>(&Derived::template callAttr<Attr>)));
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
