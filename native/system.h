#pragma once

#include "device.h"
#include "fd.h"

namespace kvm {

/** Owns the fd of /dev/kvm. */
struct SystemState {
  UniqueFd fd;
};

class SystemHandle : public AttrHandle<SystemHandle, SystemState> {
public:
  static constexpr Kind kKind = Kind::System;
  static Napi::Function define(Napi::Env env, const char *name);
  using AttrHandle::AttrHandle;

private:
  Napi::Value createVm(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

/** openSystem(path) */
Napi::Value openSystem(const Napi::CallbackInfo &info);

/** scheduleIdle(thread, isIdle): it runs when nothing else wants the processor (SCHED_IDLE), or as
 * usual; false if it may not */
Napi::Value scheduleIdle(const Napi::CallbackInfo &info);

} // namespace kvm
