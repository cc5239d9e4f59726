#pragma once

#include <napi.h>

#include <memory>

#include "addon.h"
#include "error.h"
#include "ioctl_table.h"

namespace kvm {

/**
 * A JavaScript object that owns a reference to `State`. close() drops the reference; what the state
 * owns goes when its last owner does, so handles may be closed in any order and from any
 * environment.
 */
template <class Derived, class State> class Handle : public Napi::ObjectWrap<Derived> {
public:
  explicit Handle(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Derived>(info),
        state_(std::static_pointer_cast<State>(Addon::of(info.Env()).take())) {
    if (!state_) {
      failArgument(info.Env(), "constructor", "is not for use from JavaScript");
    }
  }

protected:
  using Property = Napi::ClassPropertyDescriptor<Derived>;
  using Method = Napi::Value (Derived::*)(const Napi::CallbackInfo &);

  State &state(const Napi::CallbackInfo &info, const char *operation) {
    if (!state_) {
      fail(info.Env(), kClosed, operation, EBADF);
    }
    return *state_;
  }

  const std::shared_ptr<State> &shared() const { return state_; }

  Napi::Value closed(const Napi::CallbackInfo &info) {
    return Napi::Boolean::New(info.Env(), !state_);
  }

  /** Run the ioctl that the method's table row names on this handle's fd. */
  Napi::Value callIoctl(const Napi::CallbackInfo &info) {
    const auto &row = *static_cast<const Ioctl *>(info.Data());
    int fd = state(info, row.request.name).fd.get();
    return Napi::Number::New(info.Env(), runIoctl(info, fd, row));
  }

  static Property method(const char *name, Method function) {
    return Napi::ObjectWrap<Derived>::InstanceMethod(name, function);
  }

  /** Add one method for each row of a table. */
  static void addIoctls(std::vector<Property> &properties, const IoctlTable &table) {
    for (const Ioctl *row = table.begin; row != table.end; row++) {
      properties.push_back(Napi::ObjectWrap<Derived>::InstanceMethod(
          row->method, static_cast<Method>(&Derived::callIoctl), napi_default,
          const_cast<Ioctl *>(row)));
    }
  }

  std::shared_ptr<State> state_;
};

} // namespace kvm
