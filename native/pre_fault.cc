#include "addon.h"
#include "args.h"
#include "error.h"
#include "requests.h"
#include "vcpu.h"

namespace kvm {

/** preFaultMemory(range, budgetMs) */
Napi::Value VcpuHandle::preFaultMemory(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = idleState(info, "preFaultMemory");
  Bytes range = argBytes(info, 0, "preFaultMemory", kPreFaultMemory.size());
  double budget = argNumber(info, 1, "budgetMs", kMaxBudgetMs);
  RunTimer &timer = Addon::of(info.Env()).timer;
  if (int error = timer.prepare()) {
    fail(info.Env(), kIoctl, "timer_create", error);
  }
  int64_t deadline = monotonicNow() + static_cast<int64_t>(budget * 1e6);
  if (int error = timer.until(deadline, vcpu.fd.get(), kPreFaultMemory.number, range.data)) {
    fail(info.Env(), kIoctl, kPreFaultMemory.name, error);
  }
  return info.Env().Undefined();
}

} // namespace kvm
