#pragma once

#include <cstddef>
#include <cstdint>

// What the addon uses of linux/kvm.h (x86), linux/vfio.h and linux/iommufd.h, declared here and not
// included: the headers of a build machine are of any release, lack what is newer, and give
// flexible arrays a size in C++ that changes ioctl numbers. Layouts never change: they are the
// kernel's ABI.
//
// Structs and fields have the kernel's names, inside namespace kvm; constants must not, since there
// those are macros. src/kvm/uapi.test.ts reads this file and holds every line of it against the
// headers of the machine that runs it.

namespace kvm {

// The start of the struct: all that native code touches. Its real size is KVM_GET_VCPU_MMAP_SIZE.
struct kvm_run {
  uint8_t request_interrupt_window;
  uint8_t immediate_exit;
};

struct kvm_enable_cap {
  uint32_t cap;
  uint32_t flags;
  uint64_t args[4];
  uint8_t pad[64];
};

struct kvm_device_attr {
  uint32_t flags;
  uint32_t group;
  uint64_t attr;
  uint64_t addr;
};

struct kvm_create_device {
  uint32_t type;
  uint32_t fd;
  uint32_t flags;
};

struct kvm_userspace_memory_region {
  uint32_t slot;
  uint32_t flags;
  uint64_t guest_phys_addr;
  uint64_t memory_size;
  uint64_t userspace_addr;
};

struct kvm_userspace_memory_region2 {
  uint32_t slot;
  uint32_t flags;
  uint64_t guest_phys_addr;
  uint64_t memory_size;
  uint64_t userspace_addr;
  uint64_t guest_memfd_offset;
  uint32_t guest_memfd;
  uint32_t pad1;
  uint64_t pad2[14];
};

struct kvm_create_guest_memfd {
  uint64_t size;
  uint64_t flags;
  uint64_t reserved[6];
};

struct kvm_dirty_log {
  uint32_t slot;
  uint32_t padding1;
  void *dirty_bitmap;
};

struct kvm_clear_dirty_log {
  uint32_t slot;
  uint32_t num_pages;
  uint64_t first_page;
  void *dirty_bitmap;
};

struct kvm_msr_filter_range {
  uint32_t flags;
  uint32_t nmsrs;
  uint32_t base;
  uint8_t *bitmap;
};

struct kvm_msr_filter {
  uint32_t flags;
  kvm_msr_filter_range ranges[16];
};

struct kvm_irqfd {
  uint32_t fd;
  uint32_t gsi;
  uint32_t flags;
  uint32_t resamplefd;
  uint8_t pad[16];
};

struct kvm_ioeventfd {
  uint64_t datamatch;
  uint64_t addr;
  uint32_t len;
  int32_t fd;
  uint32_t flags;
  uint8_t pad[36];
};

// Structs that start with argsz or size may grow at their end: the kernel reads as much as they
// say.
struct vfio_group_status {
  uint32_t argsz;
  uint32_t flags;
};

struct vfio_iommu_type1_dma_map {
  uint32_t argsz;
  uint32_t flags;
  uint64_t vaddr;
  uint64_t iova;
  uint64_t size;
};

struct vfio_iommu_type1_dma_unmap {
  uint32_t argsz;
  uint32_t flags;
  uint64_t iova;
  uint64_t size;
};

struct vfio_device_bind_iommufd {
  uint32_t argsz;
  uint32_t flags;
  int32_t iommufd;
  uint32_t out_devid;
};

struct vfio_device_attach_iommufd_pt {
  uint32_t argsz;
  uint32_t flags;
  uint32_t pt_id;
};

struct iommu_ioas_alloc {
  uint32_t size;
  uint32_t flags;
  uint32_t out_ioas_id;
};

inline constexpr uint32_t kCreateDeviceTest = 1;           // KVM_CREATE_DEVICE_TEST
inline constexpr uint32_t kMemGuestMemfd = 4;              // KVM_MEM_GUEST_MEMFD
inline constexpr uint32_t kIrqfdFlagResample = 2;          // KVM_IRQFD_FLAG_RESAMPLE
inline constexpr uint32_t kDirtyLogPageOffset = 64;        // KVM_DIRTY_LOG_PAGE_OFFSET
inline constexpr uint32_t kCapHypervEnlightenedVmcs = 163; // KVM_CAP_HYPERV_ENLIGHTENED_VMCS
inline constexpr uint32_t kCapDirtyLogRing = 192;          // KVM_CAP_DIRTY_LOG_RING
inline constexpr uint32_t kCapXsave2 = 208;                // KVM_CAP_XSAVE2
inline constexpr uint32_t kCapDirtyLogRingAcqRel = 223;    // KVM_CAP_DIRTY_LOG_RING_ACQ_REL

inline constexpr size_t kMsrEntrySize = 16;     // sizeof(struct kvm_msr_entry)
inline constexpr size_t kCpuidEntrySize = 40;   // sizeof(struct kvm_cpuid_entry2)
inline constexpr size_t kRoutingEntrySize = 48; // sizeof(struct kvm_irq_routing_entry)
inline constexpr size_t kMsrIndexSize = 4;      // sizeof(__u32)
inline constexpr size_t kXsaveSize = 4096;      // sizeof(struct kvm_xsave)

// What a slip above would change.
static_assert(sizeof(kvm_enable_cap) == 104);
static_assert(sizeof(kvm_device_attr) == 24);
static_assert(sizeof(kvm_create_device) == 12);
static_assert(sizeof(kvm_userspace_memory_region) == 32);
static_assert(sizeof(kvm_userspace_memory_region2) == 160);
static_assert(sizeof(kvm_create_guest_memfd) == 64);
static_assert(sizeof(kvm_dirty_log) == 16);
static_assert(sizeof(kvm_clear_dirty_log) == 24);
static_assert(sizeof(kvm_msr_filter_range) == 24 && offsetof(kvm_msr_filter_range, bitmap) == 16);
static_assert(sizeof(kvm_msr_filter) == 392 && offsetof(kvm_msr_filter, ranges) == 8);
static_assert(sizeof(kvm_irqfd) == 32);
static_assert(sizeof(kvm_ioeventfd) == 64);
static_assert(offsetof(kvm_run, immediate_exit) == 1);
static_assert(sizeof(vfio_iommu_type1_dma_map) == 32 && sizeof(vfio_iommu_type1_dma_unmap) == 24);
static_assert(sizeof(vfio_group_status) == 8 && sizeof(vfio_device_bind_iommufd) == 16);
static_assert(sizeof(vfio_device_attach_iommufd_pt) == 12 && sizeof(iommu_ioas_alloc) == 12);

} // namespace kvm
