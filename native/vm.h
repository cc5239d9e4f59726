#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "device.h"
#include "fd.h"
#include "mapping.h"
#include "registry.h"

namespace kvm {

/** What a memslot needs to stay alive and how many pages the kernel walks for its dirty log. */
struct Slot {
  std::shared_ptr<Mapping> memory;
  uint64_t pages;
};

/**
 * A VM. Owned by its Vm handles in any environment, by its vCPUs, devices and files. The fd is
 * declared last, so it is closed first: memory outlives the memslots over it.
 */
struct VmState {
  ~VmState() { Registry<VmState>::remove(number); }

  std::mutex lock; // guards slots, and keeps them equal to KVM's
  std::map<uint32_t, Slot> slots;
  size_t runSize = 0;
  std::atomic<size_t> dirtyRingSize{0}; // bytes, per vCPU; 0 without dirty rings
  uint32_t number = 0;
  UniqueFd fd;
};

class VmHandle : public AttrHandle<VmHandle, VmState> {
public:
  static constexpr Kind kKind = Kind::Vm;
  static Napi::Function define(Napi::Env env, const char *name);
  using AttrHandle::AttrHandle;

private:
  Napi::Value number(const Napi::CallbackInfo &info);
  Napi::Value createVcpu(const Napi::CallbackInfo &info);
  Napi::Value enableCap(const Napi::CallbackInfo &info);
  Napi::Value createDevice(const Napi::CallbackInfo &info);
  Napi::Value createGuestMemfd(const Napi::CallbackInfo &info);
  Napi::Value setUserMemoryRegion(const Napi::CallbackInfo &info);
  Napi::Value setUserMemoryRegion2(const Napi::CallbackInfo &info);
  Napi::Value getDirtyLog(const Napi::CallbackInfo &info);
  Napi::Value clearDirtyLog(const Napi::CallbackInfo &info);
  Napi::Value setMsrFilter(const Napi::CallbackInfo &info);
  Napi::Value irqfd(const Napi::CallbackInfo &info);
  Napi::Value ioeventfd(const Napi::CallbackInfo &info);
  Napi::Value statsFd(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
};

/** attachVm(number): the same VM in another environment */
Napi::Value attachVm(const Napi::CallbackInfo &info);

} // namespace kvm
