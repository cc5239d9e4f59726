#include "vm.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>

#include "args.h"
#include "file.h"
#include "memory.h"
#include "requests.h"
#include "vcpu.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"checkExtension", kCheckExtension, Shape::Value},
    {"setTssAddr", kSetTssAddr, Shape::Value},
    {"setIdentityMapAddr", kSetIdentityMapAddr, Shape::Struct},
    {"setBootCpuId", kSetBootCpuId, Shape::Value},
    {"setNrMmuPages", kSetNrMmuPages, Shape::Value},
    {"createIrqchip", kCreateIrqchip},
    {"getIrqchip", kGetIrqchip, Shape::Struct},
    {"setIrqchip", kSetIrqchip, Shape::Struct},
    {"createPit2", kCreatePit2, Shape::Struct},
    {"getPit2", kGetPit2, Shape::Struct},
    {"setPit2", kSetPit2, Shape::Struct},
    {"irqLine", kIrqLine, Shape::Struct},
    {"signalMsi", kSignalMsi, Shape::Struct},
    {"setGsiRouting", kSetGsiRouting, Shape::Counted, kRoutingEntrySize},
    {"registerCoalescedMmio", kRegisterCoalescedMmio, Shape::Struct},
    {"unregisterCoalescedMmio", kUnregisterCoalescedMmio, Shape::Struct},
    {"getClock", kGetClock, Shape::Struct},
    {"setClock", kSetClock, Shape::Struct},
    {"resetDirtyRings", kResetDirtyRings},
    {"setMemoryAttributes", kSetMemoryAttributes, Shape::Struct},
};

/** The bytes that KVM moves for a bitmap of `bits`: whole longs. */
uint64_t bitmapBytes(uint64_t bits) { return (bits / 64 + (bits % 64 != 0)) * 8; }

/** Set one memslot, and keep its memory alive for as long as KVM may use it. */
template <class Region>
Napi::Value setRegion(const Napi::CallbackInfo &info, VmState &vm, const Region &region,
                      const Request &request) {
  // A slot of size 0 is deleted and needs no memory.
  auto memory = region.memory_size == 0
                    ? nullptr
                    : findMapping(info, region.userspace_addr, region.memory_size);
  int result;
  {
    // Throw only after the lock is free: an error's constructor is JavaScript.
    std::lock_guard<std::mutex> guard(vm.lock);
    result = ioctl(vm.fd.get(), request.number, &region);
    if (result >= 0 && region.memory_size == 0) {
      vm.slots.erase(region.slot);
    } else if (result >= 0) {
      vm.slots[region.slot] = {std::move(memory), region.memory_size / 4096};
    }
  }
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, request.name));
}

template <class Region> Region argRegion(const Napi::CallbackInfo &info) {
  Region region{};
  region.slot = argU32(info, 0, "slot");
  region.flags = argU32(info, 1, "flags");
  region.guest_phys_addr = argU64(info, 2, "gpa");
  region.memory_size = argU64(info, 3, "size");
  region.userspace_addr = argU64(info, 4, "userspaceAddr");
  return region;
}

} // namespace

Napi::Function VmHandle::define(Napi::Env env, const char *name) {
  std::vector<Property> properties = {
      method("number", &VmHandle::number),
      method("createVcpu", &VmHandle::createVcpu),
      method("createDevice", &VmHandle::createDevice),
      method("enableCap", &VmHandle::enableCap),
      method("createGuestMemfd", &VmHandle::createGuestMemfd),
      method("setUserMemoryRegion", &VmHandle::setUserMemoryRegion),
      method("setUserMemoryRegion2", &VmHandle::setUserMemoryRegion2),
      method("getDirtyLog", &VmHandle::getDirtyLog),
      method("clearDirtyLog", &VmHandle::clearDirtyLog),
      method("setMsrFilter", &VmHandle::setMsrFilter),
      method("irqfd", &VmHandle::irqfd),
      method("ioeventfd", &VmHandle::ioeventfd),
      method("statsFd", &VmHandle::statsFd),
      method("closed", &VmHandle::closed),
      method("close", &VmHandle::close),
  };
  addIoctls(properties, tableOf(kIoctls));
  addAttrs(properties);
  return DefineClass(env, name, properties);
}

Napi::Value VmHandle::number(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), state(info, "number").number);
}

Napi::Value VmHandle::createVcpu(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kCreateVcpu.name);
  uint32_t id = argU32(info, 0, "id");
  auto vcpu = makeNumbered<VcpuState>();
  vcpu->vm = shared();
  vcpu->fd = UniqueFd(call(info.Env(), vm.fd.get(), kCreateVcpu, id));
  // Ownership: the VcpuState's, and each ArrayBuffer's over it.
  void *run = mmap(nullptr, vm.runSize, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd.get(), 0);
  if (run == MAP_FAILED) {
    fail(info.Env(), kMemory, "mmap of kvm_run", errno);
  }
  vcpu->run = std::make_shared<Range>(static_cast<uint8_t *>(run), vm.runSize);
  vcpu->control.run = static_cast<kvm_run *>(run);
  return Addon::of(info.Env()).wrap(Kind::Vcpu, std::move(vcpu));
}

Napi::Value VmHandle::enableCap(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kEnableCap.name);
  kvm_enable_cap request;
  std::memcpy(&request, argBytes(info, 0, "enableCap", sizeof(request)).data, sizeof(request));
  int result = call(info.Env(), vm.fd.get(), kEnableCap, &request);
  if (request.cap == kCapDirtyLogRing || request.cap == kCapDirtyLogRingAcqRel) {
    vm.dirtyRingSize = request.args[0];
  }
  return Napi::Number::New(info.Env(), result);
}

Napi::Value VmHandle::createDevice(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kCreateDevice.name);
  kvm_create_device request{};
  request.type = argU32(info, 0, "type");
  request.flags = argU32(info, 1, "flags");
  call(info.Env(), vm.fd.get(), kCreateDevice, &request);
  if (request.flags & kCreateDeviceTest) {
    return info.Env().Undefined();
  }
  auto device = std::make_shared<DeviceState>();
  device->vm = shared();
  device->fd = UniqueFd(static_cast<int>(request.fd));
  return Addon::of(info.Env()).wrap(Kind::Device, std::move(device));
}

Napi::Value VmHandle::createGuestMemfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kCreateGuestMemfd.name);
  kvm_create_guest_memfd request{};
  request.size = argU64(info, 0, "size");
  request.flags = argU64(info, 1, "flags");
  int fd = call(info.Env(), vm.fd.get(), kCreateGuestMemfd, &request);
  return wrapFile(info.Env(), UniqueFd(fd), shared());
}

Napi::Value VmHandle::setUserMemoryRegion(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kSetUserMemoryRegion.name);
  auto region = argRegion<kvm_userspace_memory_region>(info);
  return setRegion(info, vm, region, kSetUserMemoryRegion);
}

Napi::Value VmHandle::setUserMemoryRegion2(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kSetUserMemoryRegion2.name);
  auto region = argRegion<kvm_userspace_memory_region2>(info);
  std::shared_ptr<FileState> file;
  if (region.flags & kMemGuestMemfd) {
    file = argFile(info, 5, "guestMemfd");
    region.guest_memfd = static_cast<uint32_t>(file->fd.get());
    region.guest_memfd_offset = argU64(info, 6, "guestMemfdOffset");
  }
  return setRegion(info, vm, region, kSetUserMemoryRegion2);
}

Napi::Value VmHandle::getDirtyLog(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kGetDirtyLog.name);
  kvm_dirty_log request{};
  request.slot = argU32(info, 0, "slot");
  Bytes bitmap = argBytes(info, 1, "bitmap", 0);
  request.dirty_bitmap = bitmap.data;
  uint64_t needed;
  int result = -1;
  {
    std::lock_guard<std::mutex> guard(vm.lock);
    auto slot = vm.slots.find(request.slot);
    needed = slot == vm.slots.end() ? 0 : bitmapBytes(slot->second.pages);
    if (bitmap.size >= needed) {
      result = ioctl(vm.fd.get(), kGetDirtyLog.number, &request);
    }
  }
  if (bitmap.size < needed) {
    failArgument(info.Env(), "bitmap", "must have at least " + std::to_string(needed) + " bytes");
  }
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, kGetDirtyLog.name));
}

Napi::Value VmHandle::clearDirtyLog(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kClearDirtyLog.name);
  kvm_clear_dirty_log request{};
  request.slot = argU32(info, 0, "slot");
  request.first_page = argSize(info, 1, "firstPage");
  request.num_pages = argU32(info, 2, "pages");
  request.dirty_bitmap = argBytes(info, 3, "bitmap", bitmapBytes(request.num_pages)).data;
  return Napi::Number::New(info.Env(), call(info.Env(), vm.fd.get(), kClearDirtyLog, &request));
}

/** setMsrFilter(filter, bitmaps): `bitmaps` holds the ranges' bitmaps in turn, each padded to 8
 * bytes. A pointer that is set already leads nowhere, and stays. */
Napi::Value VmHandle::setMsrFilter(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kSetMsrFilter.name);
  kvm_msr_filter filter;
  std::memcpy(&filter, argBytes(info, 0, "filter", sizeof(filter)).data, sizeof(filter));
  Bytes bitmaps = argBytes(info, 1, "bitmaps", 0);
  size_t used = 0;
  for (auto &range : filter.ranges) {
    uint64_t needed = bitmapBytes(range.nmsrs);
    if (needed > bitmaps.size - used) {
      failArgument(info.Env(), "bitmaps", "must have one bit for each MSR of each range");
    }
    if (range.bitmap == nullptr && needed > 0) {
      range.bitmap = bitmaps.data + used;
    }
    used += needed;
  }
  return Napi::Number::New(info.Env(), call(info.Env(), vm.fd.get(), kSetMsrFilter, &filter));
}

/** irqfd(file, gsi, flags, resampleFile) */
Napi::Value VmHandle::irqfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kIrqfd.name);
  kvm_irqfd request{};
  auto file = argFile(info, 0, "eventfd");
  request.fd = static_cast<uint32_t>(file->fd.get());
  request.gsi = argU32(info, 1, "gsi");
  request.flags = argU32(info, 2, "flags");
  std::shared_ptr<FileState> resample;
  if (request.flags & kIrqfdFlagResample) {
    resample = argFile(info, 3, "resample");
    request.resamplefd = static_cast<uint32_t>(resample->fd.get());
  }
  return Napi::Number::New(info.Env(), call(info.Env(), vm.fd.get(), kIrqfd, &request));
}

/** ioeventfd(file, datamatch, addr, len, flags) */
Napi::Value VmHandle::ioeventfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kIoeventfd.name);
  kvm_ioeventfd request{};
  auto file = argFile(info, 0, "eventfd");
  request.fd = file->fd.get();
  request.datamatch = argU64(info, 1, "datamatch");
  request.addr = argU64(info, 2, "addr");
  request.len = argU32(info, 3, "len");
  request.flags = argU32(info, 4, "flags");
  return Napi::Number::New(info.Env(), call(info.Env(), vm.fd.get(), kIoeventfd, &request));
}

Napi::Value VmHandle::statsFd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, kGetStatsFd.name);
  int fd = call(info.Env(), vm.fd.get(), kGetStatsFd, 0);
  return wrapFile(info.Env(), UniqueFd(fd), shared());
}

Napi::Value VmHandle::close(const Napi::CallbackInfo &info) {
  state_.reset();
  return info.Env().Undefined();
}

Napi::Value attachVm(const Napi::CallbackInfo &info) {
  auto vm = Registry<VmState>::find(argU32(info, 0, "number"));
  if (!vm) {
    fail(info.Env(), kClosed, "attachVm", EBADF);
  }
  return Addon::of(info.Env()).wrap(Kind::Vm, std::move(vm));
}

} // namespace kvm
