#include "vcpu.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "args.h"
#include "file.h"
#include "requests.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"getRegs", kGetRegs, Shape::Struct},
    {"setRegs", kSetRegs, Shape::Struct},
    {"getSregs", kGetSregs, Shape::Struct},
    {"setSregs", kSetSregs, Shape::Struct},
    {"getFpu", kGetFpu, Shape::Struct},
    {"setFpu", kSetFpu, Shape::Struct},
    {"getXcrs", kGetXcrs, Shape::Struct},
    {"setXcrs", kSetXcrs, Shape::Struct},
    {"getDebugRegs", kGetDebugRegs, Shape::Struct},
    {"setDebugRegs", kSetDebugRegs, Shape::Struct},
    {"getMsrs", kGetMsrs, Shape::Counted, kMsrEntrySize},
    {"setMsrs", kSetMsrs, Shape::Counted, kMsrEntrySize},
    {"getCpuid2", kGetCpuid2, Shape::Counted, kCpuidEntrySize},
    {"setCpuid2", kSetCpuid2, Shape::Counted, kCpuidEntrySize},
    {"getMpState", kGetMpState, Shape::Struct},
    {"setMpState", kSetMpState, Shape::Struct},
    {"getVcpuEvents", kGetVcpuEvents, Shape::Struct},
    {"setVcpuEvents", kSetVcpuEvents, Shape::Struct},
    {"getLapic", kGetLapic, Shape::Struct},
    {"setLapic", kSetLapic, Shape::Struct},
    {"nmi", kNmi},
    {"smi", kSmi},
    {"interrupt", kInterrupt, Shape::Struct},
    {"setGuestDebug", kSetGuestDebug, Shape::Struct},
    {"setTscKhz", kSetTscKhz, Shape::Value},
    {"getTscKhz", kGetTscKhz},
    {"kvmclockCtrl", kKvmclockCtrl},
    {"translate", kTranslate, Shape::Struct},
    {"preFaultMemory", kPreFaultMemory, Shape::Bounded},
};

// What enter() returns beside the errno in its low bits; src/kvm/fd/vcpu.ts takes it apart.
constexpr int kTimedOut = 1 << 16;
constexpr int kKicked = 1 << 17;

int pack(const RunResult &result) {
  return result.error | (result.timedOut ? kTimedOut : 0) | (result.kicked ? kKicked : 0);
}

} // namespace

Napi::Function VcpuHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {
      method("number", &VcpuHandle::number),       method("runBuffer", &VcpuHandle::runBuffer),
      method("dirtyRing", &VcpuHandle::dirtyRing), method("enter", &VcpuHandle::enter),
      method("resumer", &VcpuHandle::resumer),     method("complete", &VcpuHandle::complete),
      method("begin", &VcpuHandle::begin),         method("go", &VcpuHandle::go),
      method("finish", &VcpuHandle::finish),       method("enableCap", &VcpuHandle::enableCap),
      method("xsaveSize", &VcpuHandle::xsaveSize), method("getXsave", &VcpuHandle::getXsave),
      method("setXsave", &VcpuHandle::setXsave),   method("statsFd", &VcpuHandle::statsFd),
      method("closed", &VcpuHandle::closed),       method("close", &VcpuHandle::close),
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
  // Ownership: the buffer keeps the addresses of kvm_run, not the vCPU.
  return buffer_.create(info.Env(), vcpu.run, nullptr);
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
  constexpr off_t kOffset = off_t{kDirtyLogPageOffset} * 4096;
  void *ring = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd.get(), kOffset);
  if (ring == MAP_FAILED) {
    fail(info.Env(), kMemory, "mmap of the dirty ring", errno);
  }
  // Ownership: as kvm_run.
  vcpu.ring = std::make_shared<Range>(static_cast<uint8_t *>(ring), size);
  return ring_.create(info.Env(), vcpu.ring, nullptr);
}

VcpuState &VcpuHandle::idleState(const Napi::CallbackInfo &info, const char *operation) {
  VcpuState &vcpu = state(info, operation);
  if (vcpu.inBackground) {
    failArgument(info.Env(), operation, "must come after the finish() of the run that was begun");
  }
  return vcpu;
}

/** enter(budgetMs): one KVM_RUN; the errno, with kTimedOut or kKicked where EINTR was meant. */
Napi::Value VcpuHandle::enter(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = idleState(info, "enter");
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
    fail(env, kClosed, kRun.name, EBADF);
  }
  failArgument(env, "resume",
               "must come after an enter(), which sets the budget, and after finish()");
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
  if (!resumer.vcpu || resumer.vcpu->inBackground || resumer.vcpu->control.deadline == 0) {
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
  state(info, kRun.name);
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
  VcpuState &vcpu = idleState(info, "complete");
  __atomic_store_n(&vcpu.control.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
  int error = ioctl(vcpu.fd.get(), kRun.number, 0) < 0 ? errno : 0;
  return Napi::Number::New(info.Env(), error);
}

/** begin(budgetMs): make a thread ready for one KVM_RUN. */
Napi::Value VcpuHandle::begin(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = idleState(info, "begin");
  double budget = argNumber(info, 0, "budgetMs", kMaxBudgetMs);
  // resume() may go on from here once the thread is done.
  if (int error = Addon::of(info.Env()).timer.prepare()) {
    fail(info.Env(), kIoctl, "timer_create", error);
  }
  try {
    background_ = std::make_unique<BackgroundRun>(shared(), static_cast<int64_t>(budget * 1e6));
  } catch (const std::system_error &error) {
    fail(info.Env(), kIoctl, "pthread_create", error.code().value());
  }
  vcpu.inBackground = true;
  return info.Env().Undefined();
}

BackgroundRun &VcpuHandle::background(const Napi::CallbackInfo &info, const char *operation) {
  if (!state(info, operation).inBackground) {
    failArgument(info.Env(), operation, "must come after begin()");
  }
  return *background_;
}

/** go(): let the thread of begin() enter the guest. */
Napi::Value VcpuHandle::go(const Napi::CallbackInfo &info) {
  background(info, "go").go();
  return info.Env().Undefined();
}

/** finish(): wait for the end of that run; as enter(). */
Napi::Value VcpuHandle::finish(const Napi::CallbackInfo &info) {
  RunResult result = background(info, "finish").join();
  background_.reset();
  state(info, "finish").inBackground = false;
  return Napi::Number::New(info.Env(), pack(result));
}

Napi::Value VcpuHandle::enableCap(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, kEnableCap.name);
  kvm_enable_cap request;
  std::memcpy(&request, argBytes(info, 0, "enableCap", sizeof(request)).data, sizeof(request));
  // The one capability whose argument is an address that KVM writes to.
  if (request.cap == kCapHypervEnlightenedVmcs && request.args[0] != 0) {
    failArgument(info.Env(), "args[0]", "must be 0 for KVM_CAP_HYPERV_ENLIGHTENED_VMCS");
  }
  return Napi::Number::New(info.Env(), call(info.Env(), vcpu.fd.get(), kEnableCap, &request));
}

namespace {

/** The size of the guest's XSAVE area, which KVM reads and writes whole. */
size_t xsaveBytes(const VcpuState &vcpu) {
  int size = ioctl(vcpu.vm->fd.get(), kCheckExtension.number, kCapXsave2);
  return std::max(kXsaveSize, static_cast<size_t>(std::max(size, 0)));
}

} // namespace

Napi::Value VcpuHandle::xsaveSize(const Napi::CallbackInfo &info) {
  auto size = static_cast<double>(xsaveBytes(state(info, "KVM_CAP_XSAVE2")));
  return Napi::Number::New(info.Env(), size);
}

Napi::Value VcpuHandle::getXsave(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, kGetXsave.name);
  size_t size = xsaveBytes(vcpu);
  const Request &request = size > kXsaveSize ? kGetXsave2 : kGetXsave;
  uint8_t *data = argBytes(info, 0, "xsave", size).data;
  return Napi::Number::New(info.Env(), call(info.Env(), vcpu.fd.get(), request, data));
}

Napi::Value VcpuHandle::setXsave(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, kSetXsave.name);
  uint8_t *data = argBytes(info, 0, "xsave", xsaveBytes(vcpu)).data;
  return Napi::Number::New(info.Env(), call(info.Env(), vcpu.fd.get(), kSetXsave, data));
}

Napi::Value VcpuHandle::statsFd(const Napi::CallbackInfo &info) {
  VcpuState &vcpu = state(info, kGetStatsFd.name);
  int fd = call(info.Env(), vcpu.fd.get(), kGetStatsFd, 0);
  return wrapFile(info.Env(), UniqueFd(fd), vcpu.vm);
}

Napi::Value VcpuHandle::close(const Napi::CallbackInfo &info) {
  // Join the thread before kvm_run goes.
  background_.reset();
  buffer_.close();
  ring_.close();
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
