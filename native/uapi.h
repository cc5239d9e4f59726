#pragma once

#include <linux/stddef.h>

// Give flexible arrays no size. Debian 12's macro puts an empty struct before each, which is 0
// bytes in C but 1 in C++: sizeof(kvm_cpuid2) would be 12, and so would the size in
// KVM_GET_SUPPORTED_CPUID's number. Include this header before any other that includes linux/kvm.h.
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[]

#include <linux/kvm.h>
#include <linux/vfio.h>

// What linux/kvm.h of Debian 12 (6.1) is too old for. Values from linux/include/uapi/linux/kvm.h of
// the release named; guarded, so that newer headers win.

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_msr_list) == 4,
              "as in C");

// Their sizes are part of the ioctl numbers.
static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_msr_list) == 4);
static_assert(sizeof(kvm_irq_routing) == 8 && sizeof(kvm_xsave) == 4096);

namespace kvm {

// 6.8
struct UserspaceMemoryRegion2 {
  __u32 slot;
  __u32 flags;
  __u64 guest_phys_addr;
  __u64 memory_size;
  __u64 userspace_addr;
  __u64 guest_memfd_offset;
  __u32 guest_memfd;
  __u32 pad1;
  __u64 pad2[14];
};

struct CreateGuestMemfd {
  __u64 size;
  __u64 flags;
  __u64 reserved[6];
};

struct MemoryAttributes {
  __u64 address;
  __u64 size;
  __u64 attributes;
  __u64 flags;
};

// 6.11
struct PreFaultMemory {
  __u64 gpa;
  __u64 size;
  __u64 flags;
  __u64 padding[5];
};

// linux/vfio.h and linux/iommufd.h, 6.6
struct VfioDeviceBindIommufd {
  __u32 argsz;
  __u32 flags;
  __s32 iommufd;
  __u32 out_devid;
};

struct VfioDeviceAttachIommufdPt {
  __u32 argsz;
  __u32 flags;
  __u32 pt_id;
};

struct IommuIoasAlloc {
  __u32 size;
  __u32 flags;
  __u32 out_ioas_id;
};

} // namespace kvm

#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_SET_USER_MEMORY_REGION2 _IOW(KVMIO, 0x49, ::kvm::UserspaceMemoryRegion2)
#endif
#ifndef KVM_SET_MEMORY_ATTRIBUTES
#define KVM_SET_MEMORY_ATTRIBUTES _IOW(KVMIO, 0xd2, ::kvm::MemoryAttributes)
#endif
#ifndef KVM_CREATE_GUEST_MEMFD
#define KVM_CREATE_GUEST_MEMFD _IOWR(KVMIO, 0xd4, ::kvm::CreateGuestMemfd)
#endif
#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, ::kvm::PreFaultMemory)
#endif
#ifndef KVM_MEM_GUEST_MEMFD
#define KVM_MEM_GUEST_MEMFD (1UL << 2)
#endif
#ifndef KVM_CAP_X86_GUEST_MODE
#define KVM_CAP_X86_GUEST_MODE 238
#endif
#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif
#ifndef VFIO_DEVICE_ATTACH_IOMMUFD_PT
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#endif
#ifndef IOMMU_IOAS_ALLOC
#define IOMMU_IOAS_ALLOC _IO(';', 0x81)
#endif
