// Capabilities of KVM that the model knows the answers to: linux/kvm.h, with the release that adds the later ones. The others are in
// kvm/uapi.ts.

export const KVM_CAP_USER_MEMORY = 3;
export const KVM_CAP_NR_MEMSLOTS = 10;
export const KVM_CAP_SYNC_MMU = 16;
export const KVM_CAP_DESTROY_MEMORY_REGION_WORKS = 21;
export const KVM_CAP_JOIN_MEMORY_REGIONS_WORKS = 30;
export const KVM_CAP_READONLY_MEM = 81;
export const KVM_CAP_DEVICE_CTRL = 89;
export const KVM_CAP_ENABLE_CAP_VM = 98;
export const KVM_CAP_CHECK_EXTENSION_VM = 105;
export const KVM_CAP_DISABLE_QUIRKS = 116;
export const KVM_CAP_IMMEDIATE_EXIT = 136;
export const KVM_CAP_GET_MSR_FEATURES = 153;
export const KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 = 168;
export const KVM_CAP_X86_USER_SPACE_MSR = 188;
export const KVM_CAP_X86_MSR_FILTER = 189;
export const KVM_CAP_DIRTY_LOG_RING = 192;
export const KVM_CAP_BINARY_STATS_FD = 203;
export const KVM_CAP_DISABLE_QUIRKS2 = 213;
export const KVM_CAP_VM_DISABLE_NX_HUGE_PAGES = 220;
export const KVM_CAP_DIRTY_LOG_RING_ACQ_REL = 223;
export const KVM_CAP_USER_MEMORY2 = 231; // 6.8
export const KVM_CAP_MEMORY_FAULT_INFO = 232; // 6.8
export const KVM_CAP_PRE_FAULT_MEMORY = 236; // 6.11
