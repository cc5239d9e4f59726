#include "addon.h"

#include "device.h"
#include "error.h"
#include "file.h"
#include "memory.h"
#include "system.h"
#include "vcpu.h"
#include "vfio.h"
#include "vm.h"

namespace kvm {

Napi::Object Addon::wrap(Kind kind, std::shared_ptr<void> state) {
  // Take it back if the constructor is never reached, as when the environment is being torn down:
  // the next constructor may be of another kind.
  struct Reset {
    std::shared_ptr<void> &pending;
    ~Reset() { pending.reset(); }
  } reset{pending_};
  pending_ = std::move(state);
  return classes[static_cast<size_t>(kind)].New({});
}

namespace {

/** init(errorClass): the class of every error thrown from here on, called as (code, operation,
 * errno, detail). */
void init(const Napi::CallbackInfo &info) {
  if (!info[0].IsFunction()) {
    throw Napi::TypeError::New(info.Env(), "init: errorClass must be a class");
  }
  Addon::of(info.Env()).errorClass = Napi::Persistent(info[0].As<Napi::Function>());
}

template <class Handle> void define(Napi::Env env, Napi::Object exports, const char *name) {
  Napi::Function constructor = Handle::define(env, name);
  Addon::of(env).classes[static_cast<size_t>(Handle::kKind)] = Napi::Persistent(constructor);
  exports.Set(name, constructor);
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData<Addon>(new Addon());
  define<SystemHandle>(env, exports, "System");
  define<VmHandle>(env, exports, "Vm");
  define<VcpuHandle>(env, exports, "Vcpu");
  define<DeviceHandle>(env, exports, "Device");
  define<MemoryHandle>(env, exports, "Memory");
  define<FileHandle>(env, exports, "File");
  define<VfioContainerHandle>(env, exports, "VfioContainer");
  define<VfioGroupHandle>(env, exports, "VfioGroup");
  define<VfioDeviceHandle>(env, exports, "VfioDevice");

  const struct {
    const char *name;
    Napi::Value (*function)(const Napi::CallbackInfo &);
  } functions[] = {
      {"openSystem", openSystem},
      {"attachVm", attachVm},
      {"createMemory", createMemory},
      {"mapFile", mapFile},
      {"attachMemory", attachMemory},
      {"kickVcpu", kickVcpu},
      {"createEventFd", createEventFd},
      {"openVfioContainer", openVfioContainer},
      {"openVfioGroup", openVfioGroup},
      {"openVfioDevice", openVfioDevice},
      {"openIommufd", openIommufd},
      {"allocateIoas", allocateIoas},
      {"readNow", readNow},
      {"scheduleIdle", scheduleIdle},
  };
  for (const auto &entry : functions) {
    exports.Set(entry.name, Napi::Function::New(env, entry.function, entry.name));
  }
  exports.Set("init", Napi::Function::New(env, init, "init"));
  return exports;
}

} // namespace

NODE_API_MODULE(kvm_memtype, load)

} // namespace kvm
