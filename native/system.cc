#include "system.h"

#include "uapi.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "args.h"
#include "vm.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"apiVersion", KVM_OP(KVM_GET_API_VERSION)},
    {"checkExtension", KVM_OP(KVM_CHECK_EXTENSION), Shape::Value},
    {"vcpuMmapSize", KVM_OP(KVM_GET_VCPU_MMAP_SIZE)},
    {"supportedCpuid", KVM_OP(KVM_GET_SUPPORTED_CPUID), Shape::Counted, sizeof(kvm_cpuid2),
     sizeof(kvm_cpuid_entry2)},
    {"emulatedCpuid", KVM_OP(KVM_GET_EMULATED_CPUID), Shape::Counted, sizeof(kvm_cpuid2),
     sizeof(kvm_cpuid_entry2)},
    {"msrIndexList", KVM_OP(KVM_GET_MSR_INDEX_LIST), Shape::Counted, sizeof(kvm_msr_list),
     sizeof(__u32)},
    {"msrFeatureIndexList", KVM_OP(KVM_GET_MSR_FEATURE_INDEX_LIST), Shape::Counted,
     sizeof(kvm_msr_list), sizeof(__u32)},
    {"getMsrs", KVM_OP(KVM_GET_MSRS), Shape::Counted, sizeof(kvm_msrs), sizeof(kvm_msr_entry)},
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
  int fd = state(info, "KVM_CREATE_VM").fd.get();
  uint32_t type = argU32(info, 0, "type");
  int runSize = check(env, ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0), kIoctl, "KVM_GET_VCPU_MMAP_SIZE");
  // Retry: KVM_CREATE_VM returns EINTR when a signal is pending.
  int vm;
  do {
    vm = ioctl(fd, KVM_CREATE_VM, static_cast<unsigned long>(type));
  } while (vm < 0 && errno == EINTR);
  auto created = makeNumbered<VmState>();
  created->fd = UniqueFd(check(env, vm, kIoctl, "KVM_CREATE_VM"));
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
  check(info.Env(), ioctl(state->fd.get(), KVM_GET_API_VERSION, 0), kOpen, "KVM_GET_API_VERSION");
  return Addon::of(info.Env()).wrap(Kind::System, std::move(state));
}

} // namespace kvm
