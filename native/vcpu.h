#pragma once

#include "background_run.h"
#include "device.h"
#include "external_buffer.h"
#include "fd.h"
#include "mapping.h"
#include "run_timer.h"
#include "vm.h"

namespace kvm {

/**
 * A vCPU. Owns its fd and the mapping of kvm_run, and keeps its VM alive. One environment has its
 * handle; others may only kick it, and hold it while they do.
 */
struct VcpuState {
  ~VcpuState() {
    Registry<VcpuState>::remove(number);
    // A mapping of the fd would keep the vCPU, and so the VM, alive in the kernel.
    leave(run);
    leave(ring);
  }

  std::shared_ptr<VmState> vm;
  UniqueFd fd;
  std::shared_ptr<Range> run;
  std::shared_ptr<Range> ring; // null before dirtyRing()
  RunControl control;
  bool inBackground = false; // a BackgroundRun runs it; for the environment of its handle
  uint32_t number = 0;
};

/** What the function that resumes a vCPU needs; it may outlive the handle. */
struct Resumer {
  RunTimer &timer;                 // the environment's, as is the function
  std::shared_ptr<VcpuState> vcpu; // empty once the handle is closed
};

class VcpuHandle : public AttrHandle<VcpuHandle, VcpuState> {
public:
  static constexpr Kind kKind = Kind::Vcpu;
  static Napi::Function define(Napi::Env env, const char *name);
  using AttrHandle::AttrHandle;

private:
  Napi::Value number(const Napi::CallbackInfo &info);
  Napi::Value runBuffer(const Napi::CallbackInfo &info);
  Napi::Value dirtyRing(const Napi::CallbackInfo &info);
  Napi::Value enter(const Napi::CallbackInfo &info);
  Napi::Value resumer(const Napi::CallbackInfo &info);
  Napi::Value complete(const Napi::CallbackInfo &info);
  Napi::Value begin(const Napi::CallbackInfo &info);
  Napi::Value go(const Napi::CallbackInfo &info);
  Napi::Value finish(const Napi::CallbackInfo &info);
  Napi::Value enableCap(const Napi::CallbackInfo &info);
  Napi::Value xsaveSize(const Napi::CallbackInfo &info);
  Napi::Value getXsave(const Napi::CallbackInfo &info);
  Napi::Value setXsave(const Napi::CallbackInfo &info);
  Napi::Value statsFd(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);

  /** The state, unless a thread of its own runs the vCPU. */
  VcpuState &idleState(const Napi::CallbackInfo &info, const char *operation);
  BackgroundRun &background(const Napi::CallbackInfo &info, const char *operation);

  ExternalBuffer buffer_;
  ExternalBuffer ring_;
  std::unique_ptr<BackgroundRun> background_;
  std::shared_ptr<Resumer> resumer_;
};

/** kickVcpu(number): from any environment; false if the vCPU is gone */
Napi::Value kickVcpu(const Napi::CallbackInfo &info);

} // namespace kvm
