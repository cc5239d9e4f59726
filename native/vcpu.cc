#include "vcpu.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "args.h"
#include "file.h"
#include "uapi.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"getRegs", KVM_OP(KVM_GET_REGS), Shape::Struct, sizeof(kvm_regs)},
    {"setRegs", KVM_OP(KVM_SET_REGS), Shape::Struct, sizeof(kvm_regs)},
    {"getSregs", KVM_OP(KVM_GET_SREGS), Shape::Struct, sizeof(kvm_sregs)},
    {"setSregs", KVM_OP(KVM_SET_SREGS), Shape::Struct, sizeof(kvm_sregs)},
    {"getFpu", KVM_OP(KVM_GET_FPU), Shape::Struct, sizeof(kvm_fpu)},
    {"setFpu", KVM_OP(KVM_SET_FPU), Shape::Struct, sizeof(kvm_fpu)},
    {"getXcrs", KVM_OP(KVM_GET_XCRS), Shape::Struct, sizeof(kvm_xcrs)},
    {"setXcrs", KVM_OP(KVM_SET_XCRS), Shape::Struct, sizeof(kvm_xcrs)},
    {"getDebugRegs", KVM_OP(KVM_GET_DEBUGREGS), Shape::Struct, sizeof(kvm_debugregs)},
    {"setDebugRegs", KVM_OP(KVM_SET_DEBUGREGS), Shape::Struct, sizeof(kvm_debugregs)},
    {"getMsrs", KVM_OP(KVM_GET_MSRS), Shape::Counted, sizeof(kvm_msrs), sizeof(kvm_msr_entry)},
    {"setMsrs", KVM_OP(KVM_SET_MSRS), Shape::Counted, sizeof(kvm_msrs), sizeof(kvm_msr_entry)},
    {"getCpuid2", KVM_OP(KVM_GET_CPUID2), Shape::Counted, sizeof(kvm_cpuid2),
     sizeof(kvm_cpuid_entry2)},
    {"setCpuid2", KVM_OP(KVM_SET_CPUID2), Shape::Counted, sizeof(kvm_cpuid2),
     sizeof(kvm_cpuid_entry2)},
    {"getMpState", KVM_OP(KVM_GET_MP_STATE), Shape::Struct, sizeof(kvm_mp_state)},
    {"setMpState", KVM_OP(KVM_SET_MP_STATE), Shape::Struct, sizeof(kvm_mp_state)},
    {"getVcpuEvents", KVM_OP(KVM_GET_VCPU_EVENTS), Shape::Struct, sizeof(kvm_vcpu_events)},
    {"setVcpuEvents", KVM_OP(KVM_SET_VCPU_EVENTS), Shape::Struct, sizeof(kvm_vcpu_events)},
    {"getLapic", KVM_OP(KVM_GET_LAPIC), Shape::Struct, sizeof(kvm_lapic_state)},
    {"setLapic", KVM_OP(KVM_SET_LAPIC), Shape::Struct, sizeof(kvm_lapic_state)},
    {"nmi", KVM_OP(KVM_NMI)},
    {"smi", KVM_OP(KVM_SMI)},
    {"interrupt", KVM_OP(KVM_INTERRUPT), Shape::Struct, sizeof(kvm_interrupt)},
    {"setGuestDebug", KVM_OP(KVM_SET_GUEST_DEBUG), Shape::Struct, sizeof(kvm_guest_debug)},
    {"setTscKhz", KVM_OP(KVM_SET_TSC_KHZ), Shape::Value},
    {"getTscKhz", KVM_OP(KVM_GET_TSC_KHZ)},
    {"kvmclockCtrl", KVM_OP(KVM_KVMCLOCK_CTRL)},
    {"translate", KVM_OP(KVM_TRANSLATE), Shape::Struct, sizeof(kvm_translation)},
    {"preFaultMemory", KVM_OP(KVM_PRE_FAULT_MEMORY), Shape::Struct, sizeof(PreFaultMemory)},
};

// What enter() returns beside the errno in its low bits; src/kvm/vcpu.ts takes it apart.
constexpr int kTimedOut = 1 << 16;
constexpr int kKicked = 1 << 17;

int pack(const RunResult &result) {
  return result.error | (result.timedOut ? kTimedOut : 0) | (result.kicked ? kKicked : 0);
}

// A day: any longer budget is a mistake.
constexpr double kMaxBudgetMs = 86400000;

} // namespace

Napi::Function VcpuHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {
      method("number", &VcpuHandle::number),       method("runBuffer", &VcpuHandle::runBuffer),
      method("dirtyRing", &VcpuHandle::dirtyRing), method("enter", &VcpuHandle::enter),
      method("resumer", &VcpuHandle::resumer),     method("complete", &VcpuHandle::complete),
      method("enableCap", &VcpuHandle::enableCap), method("xsaveSize", &VcpuHandle::xsaveSize),
      method("getXsave", &VcpuHandle::getXsave),   method("setXsave", &VcpuHandle::setXsave),
      method("statsFd", &VcpuHandle::statsFd),     method("closed", &VcpuHandle::closed),
      method("close", &VcpuHandle::close),
  };
  addIoctls(properties, tableOf(kIoctls));
  addAttrs(properties);
  return DefineClass(env, name, properties);
}

Napi::Value VcpuHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number);
}

Napi::Value VcpuHandle::runBuffer(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "kvm_run");
  if (!buffer_.empty()) {
    return buffer_.value();
  }
  // Ownership: the buffer keeps the mapping of kvm_run, not the vCPU.
  return buffer_.create(info.Env(), vcpu.run->address, vcpu.run->size, vcpu.run);
}

/** dirtyRing(): the vCPU's ring of struct kvm_dirty_gfn, once its VM has dirty rings. */
Napi::Value VcpuHandle::dirtyRing(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_CAP_DIRTY_LOG_RING");
  size_t size = vcpu.vm->dirtyRingSize;
  if (size == 0) {
    failArgument(info.Env(), "dirtyRing", "must come after KVM_CAP_DIRTY_LOG_RING is enabled");
  }
  if (!ring_.empty()) {
    return ring_.value();
  }
  constexpr off_t kOffset = off_t{KVM_DIRTY_LOG_PAGE_OFFSET} * 4096;
  void *ring = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd.get(), kOffset);
  if (ring == MAP_FAILED) {
    fail(info.Env(), kMemory, "mmap of the dirty ring", errno);
  }
  // Ownership: the buffer alone holds the range, and the range holds the vCPU in the kernel.
  auto range = std::make_shared<Range>(static_cast<uint8_t *>(ring), size);
  return ring_.create(info.Env(), ring, size, std::move(range));
}

/** enter(budgetMs): one KVM_RUN; the errno, with kTimedOut or kKicked where EINTR was meant. */
Napi::Value VcpuHandle::enter(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_RUN");
  double budget = argNumber(info, 0, "budgetMs", kMaxBudgetMs);
  RunTimer &timer = Addon::of(info.Env()).timer;
  if (int error = timer.prepare()) {
    fail(info.Env(), kIoctl, "timer_create", error);
  }
  vcpu.control.deadline = monotonicNow() + static_cast<int64_t>(budget * 1e6);
  return Napi::Number::New(info.Env(), pack(timer.run(vcpu.fd.get(), vcpu.control)));
}

namespace {

[[noreturn]] napi_value failResume(Napi::Env env, const Resumer &resumer) {
  if (!resumer.vcpu) {
    fail(env, kClosed, "KVM_RUN", EBADF);
  }
  failArgument(env, "resume", "must come after an enter(), which sets the budget");
}

/**
 * enter() under what is left of the last budget; undefined for an exit. Loops over exits live on
 * this call, and the code and data it touches are cold after each: so it uses Node-API itself, and
 * has no object to look up.
 */
napi_value resume(napi_env env, napi_callback_info info) {
  void *data;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) {
    return nullptr;
  }
  Resumer &resumer = **static_cast<std::shared_ptr<Resumer> *>(data);
  if (!resumer.vcpu || resumer.vcpu->control.deadline == 0) {
    return Napi::details::WrapCallback(env, [&] { return failResume(env, resumer); });
  }
  VcpuState &vcpu = *resumer.vcpu;
  int packed = pack(resumer.timer.run(vcpu.fd.get(), vcpu.control));
  return packed == 0 ? nullptr : static_cast<napi_value>(Napi::Number::New(env, packed));
}

} // namespace

/** resumer(): the vCPU's resume function. */
Napi::Value VcpuHandle::resumer(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  state(info, "KVM_RUN");
  if (!resumer_) {
    resumer_ = std::make_shared<Resumer>(Resumer{Addon::of(env).timer, shared()});
  }
  // Ownership: the function's, which deletes it as it is collected.
  auto data = std::make_unique<std::shared_ptr<Resumer>>(resumer_);
  napi_value function;
  napi_status status =
      napi_create_function(env, "resume", NAPI_AUTO_LENGTH, resume, data.get(), &function);
  NAPI_THROW_IF_FAILED(env, status, Napi::Value());
  Napi::Object object(env, function);
  object.AddFinalizer([](Napi::Env, std::shared_ptr<Resumer> *held) { delete held; }, data.get());
  data.release();
  return object;
}

/** complete(): finish a PIO, MMIO or MSR exit without running the guest; the errno, normally EINTR.
 */
Napi::Value VcpuHandle::complete(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_RUN");
  __atomic_store_n(&vcpu.control.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
  int error = ioctl(vcpu.fd.get(), KVM_RUN, 0) < 0 ? errno : 0;
  return Napi::Number::New(info.Env(), error);
}

Napi::Value VcpuHandle::enableCap(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_ENABLE_CAP");
  kvm_enable_cap request;
  std::memcpy(&request, argBytes(info, 0, "enableCap", sizeof(request)).data, sizeof(request));
  // The one capability whose argument is an address that KVM writes to.
  if (request.cap == KVM_CAP_HYPERV_ENLIGHTENED_VMCS && request.args[0] != 0) {
    failArgument(info.Env(), "args[0]", "must be 0 for KVM_CAP_HYPERV_ENLIGHTENED_VMCS");
  }
  int result = ioctl(vcpu.fd.get(), KVM_ENABLE_CAP, &request);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_ENABLE_CAP"));
}

namespace {

/** The size of the guest's XSAVE area, which KVM reads and writes whole. */
size_t xsaveBytes(const VcpuState &vcpu) {
  int size = ioctl(vcpu.vm->fd.get(), KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
  return std::max(sizeof(kvm_xsave), static_cast<size_t>(std::max(size, 0)));
}

} // namespace

Napi::Value VcpuHandle::xsaveSize(const Napi::CallbackInfo &info) {
  auto size = static_cast<double>(xsaveBytes(state(info, "KVM_CAP_XSAVE2")));
  return Napi::Number::New(info.Env(), size);
}

Napi::Value VcpuHandle::getXsave(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_GET_XSAVE");
  size_t size = xsaveBytes(vcpu);
  unsigned long request = size > sizeof(kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
  int result = ioctl(vcpu.fd.get(), request, argBytes(info, 0, "xsave", size).data);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_GET_XSAVE"));
}

Napi::Value VcpuHandle::setXsave(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_SET_XSAVE");
  uint8_t *data = argBytes(info, 0, "xsave", xsaveBytes(vcpu)).data;
  int result = ioctl(vcpu.fd.get(), KVM_SET_XSAVE, data);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_SET_XSAVE"));
}

Napi::Value VcpuHandle::statsFd(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, "KVM_GET_STATS_FD");
  int fd = check(info.Env(), ioctl(vcpu.fd.get(), KVM_GET_STATS_FD, 0), kIoctl, "KVM_GET_STATS_FD");
  return wrapFile(info.Env(), UniqueFd(fd), vcpu.vm);
}

Napi::Value VcpuHandle::close(const Napi::CallbackInfo &info) {
  buffer_.detach();
  ring_.detach();
  if (resumer_) {
    resumer_->vcpu.reset();
  }
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value kickVcpu(const Napi::CallbackInfo &info) {
  auto vcpu = Registry<VcpuState>::find(argU32(info, 0, "number"));
  if (vcpu) {
    vcpu->control.kick();
  }
  return Napi::Boolean::New(info.Env(), vcpu != nullptr);
}

} // namespace kvm
