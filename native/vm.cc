#include "vm.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>

#include "args.h"
#include "file.h"
#include "memory.h"
#include "uapi.h"
#include "vcpu.h"

namespace kvm {

namespace {

constexpr Ioctl kIoctls[] = {
    {"checkExtension", KVM_OP(KVM_CHECK_EXTENSION), Shape::Value},
    {"setTssAddr", KVM_OP(KVM_SET_TSS_ADDR), Shape::Value},
    {"setIdentityMapAddr", KVM_OP(KVM_SET_IDENTITY_MAP_ADDR), Shape::Struct, sizeof(__u64)},
    {"setBootCpuId", KVM_OP(KVM_SET_BOOT_CPU_ID), Shape::Value},
    {"setNrMmuPages", KVM_OP(KVM_SET_NR_MMU_PAGES), Shape::Value},
    {"createIrqchip", KVM_OP(KVM_CREATE_IRQCHIP)},
    {"getIrqchip", KVM_OP(KVM_GET_IRQCHIP), Shape::Struct, sizeof(kvm_irqchip)},
    {"setIrqchip", KVM_OP(KVM_SET_IRQCHIP), Shape::Struct, sizeof(kvm_irqchip)},
    {"createPit2", KVM_OP(KVM_CREATE_PIT2), Shape::Struct, sizeof(kvm_pit_config)},
    {"getPit2", KVM_OP(KVM_GET_PIT2), Shape::Struct, sizeof(kvm_pit_state2)},
    {"setPit2", KVM_OP(KVM_SET_PIT2), Shape::Struct, sizeof(kvm_pit_state2)},
    {"irqLine", KVM_OP(KVM_IRQ_LINE), Shape::Struct, sizeof(kvm_irq_level)},
    {"signalMsi", KVM_OP(KVM_SIGNAL_MSI), Shape::Struct, sizeof(kvm_msi)},
    {"setGsiRouting", KVM_OP(KVM_SET_GSI_ROUTING), Shape::Counted, sizeof(kvm_irq_routing),
     sizeof(kvm_irq_routing_entry)},
    {"registerCoalescedMmio", KVM_OP(KVM_REGISTER_COALESCED_MMIO), Shape::Struct,
     sizeof(kvm_coalesced_mmio_zone)},
    {"unregisterCoalescedMmio", KVM_OP(KVM_UNREGISTER_COALESCED_MMIO), Shape::Struct,
     sizeof(kvm_coalesced_mmio_zone)},
    {"getClock", KVM_OP(KVM_GET_CLOCK), Shape::Struct, sizeof(kvm_clock_data)},
    {"setClock", KVM_OP(KVM_SET_CLOCK), Shape::Struct, sizeof(kvm_clock_data)},
    {"resetDirtyRings", KVM_OP(KVM_RESET_DIRTY_RINGS)},
    {"setMemoryAttributes", KVM_OP(KVM_SET_MEMORY_ATTRIBUTES), Shape::Struct,
     sizeof(MemoryAttributes)},
};

/** The bytes that KVM moves for a bitmap of `bits`: whole longs. */
uint64_t bitmapBytes(uint64_t bits) { return (bits / 64 + (bits % 64 != 0)) * 8; }

/** Set one memslot, and keep its memory alive for as long as KVM may use it. */
template <class Region>
Napi::Value setRegion(const Napi::CallbackInfo &info, VmState &vm, const Region &region,
                      const char *operation, unsigned long request) {
  // A slot of size 0 is deleted and needs no memory.
  auto memory = region.memory_size == 0
                    ? nullptr
                    : findMapping(info, region.userspace_addr, region.memory_size);
  int result;
  {
    // Throw only after the lock is free: an error's constructor is JavaScript.
    std::lock_guard<std::mutex> guard(vm.lock);
    result = ioctl(vm.fd.get(), request, &region);
    if (result >= 0 && region.memory_size == 0) {
      vm.slots.erase(region.slot);
    } else if (result >= 0) {
      vm.slots[region.slot] = {std::move(memory), region.memory_size / 4096};
    }
  }
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, operation));
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
  VmState &vm = state(info, "KVM_CREATE_VCPU");
  uint32_t id = argU32(info, 0, "id");
  auto vcpu = makeNumbered<VcpuState>();
  vcpu->vm = shared();
  vcpu->fd = UniqueFd(
      check(info.Env(), ioctl(vm.fd.get(), KVM_CREATE_VCPU, id), kIoctl, "KVM_CREATE_VCPU"));
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
  VmState &vm = state(info, "KVM_ENABLE_CAP");
  kvm_enable_cap request;
  std::memcpy(&request, argBytes(info, 0, "enableCap", sizeof(request)).data, sizeof(request));
  int result =
      check(info.Env(), ioctl(vm.fd.get(), KVM_ENABLE_CAP, &request), kIoctl, "KVM_ENABLE_CAP");
  if (request.cap == KVM_CAP_DIRTY_LOG_RING || request.cap == KVM_CAP_DIRTY_LOG_RING_ACQ_REL) {
    vm.dirtyRingSize = request.args[0];
  }
  return Napi::Number::New(info.Env(), result);
}

Napi::Value VmHandle::createDevice(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_CREATE_DEVICE");
  kvm_create_device request{};
  request.type = argU32(info, 0, "type");
  request.flags = argU32(info, 1, "flags");
  check(info.Env(), ioctl(vm.fd.get(), KVM_CREATE_DEVICE, &request), kIoctl, "KVM_CREATE_DEVICE");
  if (request.flags & KVM_CREATE_DEVICE_TEST) {
    return info.Env().Undefined();
  }
  auto device = std::make_shared<DeviceState>();
  device->vm = shared();
  device->fd = UniqueFd(static_cast<int>(request.fd));
  return Addon::of(info.Env()).wrap(Kind::Device, std::move(device));
}

Napi::Value VmHandle::createGuestMemfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_CREATE_GUEST_MEMFD");
  CreateGuestMemfd request{};
  request.size = argU64(info, 0, "size");
  request.flags = argU64(info, 1, "flags");
  int fd = check(info.Env(), ioctl(vm.fd.get(), KVM_CREATE_GUEST_MEMFD, &request), kIoctl,
                 "KVM_CREATE_GUEST_MEMFD");
  return wrapFile(info.Env(), UniqueFd(fd), shared());
}

Napi::Value VmHandle::setUserMemoryRegion(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_SET_USER_MEMORY_REGION");
  auto region = argRegion<kvm_userspace_memory_region>(info);
  return setRegion(info, vm, region, KVM_OP(KVM_SET_USER_MEMORY_REGION));
}

Napi::Value VmHandle::setUserMemoryRegion2(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_SET_USER_MEMORY_REGION2");
  auto region = argRegion<UserspaceMemoryRegion2>(info);
  std::shared_ptr<FileState> file;
  if (region.flags & KVM_MEM_GUEST_MEMFD) {
    file = argFile(info, 5, "guestMemfd");
    region.guest_memfd = static_cast<__u32>(file->fd.get());
    region.guest_memfd_offset = argU64(info, 6, "guestMemfdOffset");
  }
  return setRegion(info, vm, region, KVM_OP(KVM_SET_USER_MEMORY_REGION2));
}

Napi::Value VmHandle::getDirtyLog(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_GET_DIRTY_LOG");
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
      result = ioctl(vm.fd.get(), KVM_GET_DIRTY_LOG, &request);
    }
  }
  if (bitmap.size < needed) {
    failArgument(info.Env(), "bitmap", "must have at least " + std::to_string(needed) + " bytes");
  }
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_GET_DIRTY_LOG"));
}

Napi::Value VmHandle::clearDirtyLog(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_CLEAR_DIRTY_LOG");
  kvm_clear_dirty_log request{};
  request.slot = argU32(info, 0, "slot");
  request.first_page = argSize(info, 1, "firstPage");
  request.num_pages = argU32(info, 2, "pages");
  request.dirty_bitmap = argBytes(info, 3, "bitmap", bitmapBytes(request.num_pages)).data;
  int result = ioctl(vm.fd.get(), KVM_CLEAR_DIRTY_LOG, &request);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_CLEAR_DIRTY_LOG"));
}

/** setMsrFilter(filter, bitmaps): `bitmaps` holds the ranges' bitmaps in turn, each padded to 8
 * bytes. */
Napi::Value VmHandle::setMsrFilter(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_X86_SET_MSR_FILTER");
  kvm_msr_filter filter;
  std::memcpy(&filter, argBytes(info, 0, "filter", sizeof(filter)).data, sizeof(filter));
  Bytes bitmaps = argBytes(info, 1, "bitmaps", 0);
  size_t used = 0;
  for (auto &range : filter.ranges) {
    uint64_t needed = bitmapBytes(range.nmsrs);
    if (needed > bitmaps.size - used) {
      failArgument(info.Env(), "bitmaps", "must have one bit for each MSR of each range");
    }
    range.bitmap = needed > 0 ? bitmaps.data + used : nullptr;
    used += needed;
  }
  int result = ioctl(vm.fd.get(), KVM_X86_SET_MSR_FILTER, &filter);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_X86_SET_MSR_FILTER"));
}

/** irqfd(file, gsi, flags, resampleFile) */
Napi::Value VmHandle::irqfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_IRQFD");
  kvm_irqfd request{};
  auto file = argFile(info, 0, "eventfd");
  request.fd = static_cast<__u32>(file->fd.get());
  request.gsi = argU32(info, 1, "gsi");
  request.flags = argU32(info, 2, "flags");
  std::shared_ptr<FileState> resample;
  if (request.flags & KVM_IRQFD_FLAG_RESAMPLE) {
    resample = argFile(info, 3, "resample");
    request.resamplefd = static_cast<__u32>(resample->fd.get());
  }
  int result = ioctl(vm.fd.get(), KVM_IRQFD, &request);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_IRQFD"));
}

/** ioeventfd(file, datamatch, addr, len, flags) */
Napi::Value VmHandle::ioeventfd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_IOEVENTFD");
  kvm_ioeventfd request{};
  auto file = argFile(info, 0, "eventfd");
  request.fd = file->fd.get();
  request.datamatch = argU64(info, 1, "datamatch");
  request.addr = argU64(info, 2, "addr");
  request.len = argU32(info, 3, "len");
  request.flags = argU32(info, 4, "flags");
  int result = ioctl(vm.fd.get(), KVM_IOEVENTFD, &request);
  return Napi::Number::New(info.Env(), check(info.Env(), result, kIoctl, "KVM_IOEVENTFD"));
}

Napi::Value VmHandle::statsFd(const Napi::CallbackInfo &info) {
  VmState &vm = state(info, "KVM_GET_STATS_FD");
  int fd = check(info.Env(), ioctl(vm.fd.get(), KVM_GET_STATS_FD, 0), kIoctl, "KVM_GET_STATS_FD");
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
