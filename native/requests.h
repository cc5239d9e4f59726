#pragma once

#include "uapi.h"

// The ioctls that the addon makes, in the order of their numbers; see uapi.h for why they are
// declared here. A size is that of the struct: what native code does not look into is no more than
// its size.

namespace kvm {

/** An ioctl: its name, for errors, and its number. */
struct Request {
  const char *name;
  unsigned long number;

  /** Bytes that the kernel moves, as the number states them. */
  constexpr size_t size() const { return number >> 16 & 0x3fff; }
  /** Whether the kernel writes to the bytes, too. */
  constexpr bool writesBack() const { return (number >> 31 & 1) != 0; }
};

// asm-generic/ioctl.h: direction, size, type and number.
constexpr unsigned long ioctlNumber(unsigned direction, size_t size, char type, unsigned number) {
  return static_cast<unsigned long>(direction) << 30 | size << 16 |
         static_cast<unsigned long>(static_cast<unsigned char>(type)) << 8 | number;
}

inline constexpr char kKvmType = '\xae';
inline constexpr char kVfioType = ';'; // iommufd's as well

constexpr unsigned long kvmNone(unsigned number) { return ioctlNumber(0, 0, kKvmType, number); }
constexpr unsigned long kvmWrite(unsigned number, size_t size) {
  return ioctlNumber(1, size, kKvmType, number);
}
constexpr unsigned long kvmRead(unsigned number, size_t size) {
  return ioctlNumber(2, size, kKvmType, number);
}
constexpr unsigned long kvmBoth(unsigned number, size_t size) {
  return ioctlNumber(3, size, kKvmType, number);
}
constexpr unsigned long vfioNone(unsigned number) { return ioctlNumber(0, 0, kVfioType, number); }

// /dev/kvm
inline constexpr Request kGetApiVersion{"KVM_GET_API_VERSION", kvmNone(0x00)};
inline constexpr Request kCreateVm{"KVM_CREATE_VM", kvmNone(0x01)};
inline constexpr Request kGetMsrIndexList{"KVM_GET_MSR_INDEX_LIST", kvmBoth(0x02, 4)};
inline constexpr Request kCheckExtension{"KVM_CHECK_EXTENSION", kvmNone(0x03)};
inline constexpr Request kGetVcpuMmapSize{"KVM_GET_VCPU_MMAP_SIZE", kvmNone(0x04)};
inline constexpr Request kGetSupportedCpuid{"KVM_GET_SUPPORTED_CPUID", kvmBoth(0x05, 8)};
inline constexpr Request kGetEmulatedCpuid{"KVM_GET_EMULATED_CPUID", kvmBoth(0x09, 8)};
inline constexpr Request kGetMsrFeatureIndexList{"KVM_GET_MSR_FEATURE_INDEX_LIST",
                                                 kvmBoth(0x0a, 4)};

// Of a VM
inline constexpr Request kCreateVcpu{"KVM_CREATE_VCPU", kvmNone(0x41)};
inline constexpr Request kGetDirtyLog{"KVM_GET_DIRTY_LOG", kvmWrite(0x42, sizeof(kvm_dirty_log))};
inline constexpr Request kSetNrMmuPages{"KVM_SET_NR_MMU_PAGES", kvmNone(0x44)};
inline constexpr Request kSetUserMemoryRegion{"KVM_SET_USER_MEMORY_REGION",
                                              kvmWrite(0x46, sizeof(kvm_userspace_memory_region))};
inline constexpr Request kSetTssAddr{"KVM_SET_TSS_ADDR", kvmNone(0x47)};
inline constexpr Request kSetIdentityMapAddr{"KVM_SET_IDENTITY_MAP_ADDR", kvmWrite(0x48, 8)};
inline constexpr Request kSetUserMemoryRegion2{
    "KVM_SET_USER_MEMORY_REGION2", kvmWrite(0x49, sizeof(kvm_userspace_memory_region2))}; // 6.8
inline constexpr Request kCreateIrqchip{"KVM_CREATE_IRQCHIP", kvmNone(0x60)};
inline constexpr Request kIrqLine{"KVM_IRQ_LINE", kvmWrite(0x61, 8)};
inline constexpr Request kGetIrqchip{"KVM_GET_IRQCHIP", kvmBoth(0x62, 520)};
inline constexpr Request kSetIrqchip{"KVM_SET_IRQCHIP", kvmRead(0x63, 520)};
inline constexpr Request kRegisterCoalescedMmio{"KVM_REGISTER_COALESCED_MMIO", kvmWrite(0x67, 16)};
inline constexpr Request kUnregisterCoalescedMmio{"KVM_UNREGISTER_COALESCED_MMIO",
                                                  kvmWrite(0x68, 16)};
inline constexpr Request kSetGsiRouting{"KVM_SET_GSI_ROUTING", kvmWrite(0x6a, 8)};
inline constexpr Request kIrqfd{"KVM_IRQFD", kvmWrite(0x76, sizeof(kvm_irqfd))};
inline constexpr Request kCreatePit2{"KVM_CREATE_PIT2", kvmWrite(0x77, 64)};
inline constexpr Request kSetBootCpuId{"KVM_SET_BOOT_CPU_ID", kvmNone(0x78)};
inline constexpr Request kIoeventfd{"KVM_IOEVENTFD", kvmWrite(0x79, sizeof(kvm_ioeventfd))};
inline constexpr Request kSetClock{"KVM_SET_CLOCK", kvmWrite(0x7b, 48)};
inline constexpr Request kGetClock{"KVM_GET_CLOCK", kvmRead(0x7c, 48)};
inline constexpr Request kGetPit2{"KVM_GET_PIT2", kvmRead(0x9f, 112)};
inline constexpr Request kSetPit2{"KVM_SET_PIT2", kvmWrite(0xa0, 112)};
inline constexpr Request kSignalMsi{"KVM_SIGNAL_MSI", kvmWrite(0xa5, 32)};
inline constexpr Request kClearDirtyLog{"KVM_CLEAR_DIRTY_LOG",
                                        kvmBoth(0xc0, sizeof(kvm_clear_dirty_log))};
inline constexpr Request kSetMsrFilter{"KVM_X86_SET_MSR_FILTER",
                                       kvmWrite(0xc6, sizeof(kvm_msr_filter))};
inline constexpr Request kResetDirtyRings{"KVM_RESET_DIRTY_RINGS", kvmNone(0xc7)};
inline constexpr Request kSetMemoryAttributes{"KVM_SET_MEMORY_ATTRIBUTES",
                                              kvmWrite(0xd2, 32)}; // 6.8
inline constexpr Request kCreateGuestMemfd{"KVM_CREATE_GUEST_MEMFD",
                                           kvmBoth(0xd4, sizeof(kvm_create_guest_memfd))}; // 6.8
inline constexpr Request kCreateDevice{"KVM_CREATE_DEVICE",
                                       kvmBoth(0xe0, sizeof(kvm_create_device))};

// Of more than one kind of fd
inline constexpr Request kGetMsrs{"KVM_GET_MSRS", kvmBoth(0x88, 8)};
inline constexpr Request kEnableCap{"KVM_ENABLE_CAP", kvmWrite(0xa3, sizeof(kvm_enable_cap))};
inline constexpr Request kGetStatsFd{"KVM_GET_STATS_FD", kvmNone(0xce)};
inline constexpr Request kSetDeviceAttr{"KVM_SET_DEVICE_ATTR",
                                        kvmWrite(0xe1, sizeof(kvm_device_attr))};
inline constexpr Request kGetDeviceAttr{"KVM_GET_DEVICE_ATTR",
                                        kvmWrite(0xe2, sizeof(kvm_device_attr))};
inline constexpr Request kHasDeviceAttr{"KVM_HAS_DEVICE_ATTR",
                                        kvmWrite(0xe3, sizeof(kvm_device_attr))};

// Of a vCPU
inline constexpr Request kRun{"KVM_RUN", kvmNone(0x80)};
inline constexpr Request kGetRegs{"KVM_GET_REGS", kvmRead(0x81, 144)};
inline constexpr Request kSetRegs{"KVM_SET_REGS", kvmWrite(0x82, 144)};
inline constexpr Request kGetSregs{"KVM_GET_SREGS", kvmRead(0x83, 312)};
inline constexpr Request kSetSregs{"KVM_SET_SREGS", kvmWrite(0x84, 312)};
inline constexpr Request kTranslate{"KVM_TRANSLATE", kvmBoth(0x85, 24)};
inline constexpr Request kInterrupt{"KVM_INTERRUPT", kvmWrite(0x86, 4)};
inline constexpr Request kSetMsrs{"KVM_SET_MSRS", kvmWrite(0x89, 8)};
inline constexpr Request kGetFpu{"KVM_GET_FPU", kvmRead(0x8c, 416)};
inline constexpr Request kSetFpu{"KVM_SET_FPU", kvmWrite(0x8d, 416)};
inline constexpr Request kGetLapic{"KVM_GET_LAPIC", kvmRead(0x8e, 1024)};
inline constexpr Request kSetLapic{"KVM_SET_LAPIC", kvmWrite(0x8f, 1024)};
inline constexpr Request kSetCpuid2{"KVM_SET_CPUID2", kvmWrite(0x90, 8)};
inline constexpr Request kGetCpuid2{"KVM_GET_CPUID2", kvmBoth(0x91, 8)};
inline constexpr Request kGetMpState{"KVM_GET_MP_STATE", kvmRead(0x98, 4)};
inline constexpr Request kSetMpState{"KVM_SET_MP_STATE", kvmWrite(0x99, 4)};
inline constexpr Request kNmi{"KVM_NMI", kvmNone(0x9a)};
inline constexpr Request kSetGuestDebug{"KVM_SET_GUEST_DEBUG", kvmWrite(0x9b, 72)};
inline constexpr Request kGetVcpuEvents{"KVM_GET_VCPU_EVENTS", kvmRead(0x9f, 64)};
inline constexpr Request kSetVcpuEvents{"KVM_SET_VCPU_EVENTS", kvmWrite(0xa0, 64)};
inline constexpr Request kGetDebugRegs{"KVM_GET_DEBUGREGS", kvmRead(0xa1, 128)};
inline constexpr Request kSetDebugRegs{"KVM_SET_DEBUGREGS", kvmWrite(0xa2, 128)};
inline constexpr Request kSetTscKhz{"KVM_SET_TSC_KHZ", kvmNone(0xa2)};
inline constexpr Request kGetTscKhz{"KVM_GET_TSC_KHZ", kvmNone(0xa3)};
inline constexpr Request kGetXsave{"KVM_GET_XSAVE", kvmRead(0xa4, 4096)};
inline constexpr Request kSetXsave{"KVM_SET_XSAVE", kvmWrite(0xa5, 4096)};
inline constexpr Request kGetXcrs{"KVM_GET_XCRS", kvmRead(0xa6, 392)};
inline constexpr Request kSetXcrs{"KVM_SET_XCRS", kvmWrite(0xa7, 392)};
inline constexpr Request kKvmclockCtrl{"KVM_KVMCLOCK_CTRL", kvmNone(0xad)};
inline constexpr Request kSmi{"KVM_SMI", kvmNone(0xb7)};
inline constexpr Request kGetXsave2{"KVM_GET_XSAVE2", kvmRead(0xcf, 4096)};
inline constexpr Request kPreFaultMemory{"KVM_PRE_FAULT_MEMORY", kvmBoth(0xd5, 64)}; // 6.11

// VFIO and iommufd
inline constexpr Request kVfioGetApiVersion{"VFIO_GET_API_VERSION", vfioNone(100)};
inline constexpr Request kVfioCheckExtension{"VFIO_CHECK_EXTENSION", vfioNone(101)};
inline constexpr Request kVfioSetIommu{"VFIO_SET_IOMMU", vfioNone(102)};
inline constexpr Request kVfioGroupGetStatus{"VFIO_GROUP_GET_STATUS", vfioNone(103)};
inline constexpr Request kVfioGroupSetContainer{"VFIO_GROUP_SET_CONTAINER", vfioNone(104)};
inline constexpr Request kVfioGroupUnsetContainer{"VFIO_GROUP_UNSET_CONTAINER", vfioNone(105)};
inline constexpr Request kVfioGroupGetDeviceFd{"VFIO_GROUP_GET_DEVICE_FD", vfioNone(106)};
inline constexpr Request kVfioIommuMapDma{"VFIO_IOMMU_MAP_DMA", vfioNone(113)};
inline constexpr Request kVfioIommuUnmapDma{"VFIO_IOMMU_UNMAP_DMA", vfioNone(114)};
inline constexpr Request kVfioDeviceBindIommufd{"VFIO_DEVICE_BIND_IOMMUFD", vfioNone(118)}; // 6.6
inline constexpr Request kVfioDeviceAttachIommufdPt{"VFIO_DEVICE_ATTACH_IOMMUFD_PT",
                                                    vfioNone(119)};           // 6.6
inline constexpr Request kIommuIoasAlloc{"IOMMU_IOAS_ALLOC", vfioNone(0x81)}; // 6.2

// What a slip above would change.
static_assert(kEnableCap.number == 0x4068aea3);
static_assert(kSetDeviceAttr.number == 0x4018aee1);
static_assert(kCreateDevice.number == 0xc00caee0);
static_assert(kSetUserMemoryRegion.number == 0x4020ae46);
static_assert(kSetUserMemoryRegion2.number == 0x40a0ae49);
static_assert(kCreateGuestMemfd.number == 0xc040aed4);
static_assert(kGetDirtyLog.number == 0x4010ae42);
static_assert(kClearDirtyLog.number == 0xc018aec0);
static_assert(kSetMsrFilter.number == 0x4188aec6);
static_assert(kIrqfd.number == 0x4020ae76);
static_assert(kIoeventfd.number == 0x4040ae79);
static_assert(kGetSupportedCpuid.number == 0xc008ae05 && kGetMsrIndexList.number == 0xc004ae02);
static_assert(kIommuIoasAlloc.number == 0x3b81 && kVfioIommuMapDma.number == 0x3b71);

} // namespace kvm
