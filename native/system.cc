#include "system.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "args.h"
#include "requests.h"
#include "vm.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"apiVersion", kGetApiVersion},
    {"checkExtension", kCheckExtension, Shape::Value},
    {"vcpuMmapSize", kGetVcpuMmapSize},
    {"supportedCpuid", kGetSupportedCpuid, Shape::Counted, kCpuidEntrySize},
    {"emulatedCpuid", kGetEmulatedCpuid, Shape::Counted, kCpuidEntrySize},
    {"msrIndexList", kGetMsrIndexList, Shape::Counted, kMsrIndexSize},
    {"msrFeatureIndexList", kGetMsrFeatureIndexList, Shape::Counted, kMsrIndexSize},
    {"getMsrs", kGetMsrs, Shape::Counted, kMsrEntrySize},
};

} // namespace

Napi::Function SystemHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {method("createVm", &SystemHandle::createVm),
                                      method("closed", &SystemHandle::closed),
                                      method("close", &SystemHandle::close)};
  addIoctls(properties, tableOf(kIoctls));
  addAttrs(properties);
  return DefineClass(env, name, properties);
}

Napi::Value SystemHandle::createVm(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  int fd = state(info, kCreateVm.name).fd.get();
  uint32_t type = argU32(info, 0, "type");
  int runSize = call(env, fd, kGetVcpuMmapSize, 0);
  // Retry: KVM_CREATE_VM returns EINTR when a signal is pending.
  int vm;
  do {
    vm = ioctl(fd, kCreateVm.number, static_cast<unsigned long>(type));
  } while (vm < 0 && errno == EINTR);
  auto created = makeNumbered<VmState>();
  created->fd = UniqueFd(check(env, vm, kIoctl, kCreateVm.name));
  created->runSize = static_cast<size_t>(runSize);
  return Addon::of(env).wrap(Kind::Vm, std::move(created));
}

Napi::Value SystemHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value openSystem(const Napi::CallbackInfo &info) {
  std::string path = argString(info, 0, "path");
  auto state = std::make_shared<SystemState>();
  state->fd = UniqueFd(check(info.Env(), open(path.c_str(), O_RDWR | O_CLOEXEC), kOpen, "open"));
  check(info.Env(), ioctl(state->fd.get(), kGetApiVersion.number, 0), kOpen, kGetApiVersion.name);
  return Addon::of(info.Env()).wrap(Kind::System, std::move(state));
}

Napi::Value scheduleIdle(const Napi::CallbackInfo &info) {
  pid_t thread = static_cast<pid_t>(argU32(info, 0, "thread"));
  if (!info[1].IsBoolean()) {
    failArgument(info.Env(), "isIdle", "must be a boolean");
  }
  sched_param none{};
  int policy = info[1].As<Napi::Boolean>().Value() ? SCHED_IDLE : SCHED_OTHER;
  return Napi::Boolean::New(info.Env(), sched_setscheduler(thread, policy, &none) == 0);
}

} // namespace kvm
