// Bits of KVM's uapi that the model and scenarios know too: linux/kvm.h and asm/kvm.h, with the release that adds the later ones.

// Memslot flags
export const KVM_MEM_LOG_DIRTY_PAGES = 1;
export const KVM_MEM_READONLY = 2;
export const KVM_MEM_GUEST_MEMFD = 4; // 6.8

// Quirks: KVM_CAP_DISABLE_QUIRKS2
export const KVM_X86_QUIRK_LINT0_REENABLED = 1;
/** CR0.CD and NW are cleared at reset in the KVM of old; on VMX, RAM stays cacheable with CD=1. */
export const KVM_X86_QUIRK_CD_NW_CLEARED = 2;
export const KVM_X86_QUIRK_LAPIC_MMIO_HOLE = 4;
export const KVM_X86_QUIRK_OUT_7E_INC_RIP = 8;
export const KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT = 0x10;
export const KVM_X86_QUIRK_FIX_HYPERCALL_INSN = 0x20;
export const KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS = 0x40;
/** Deleting or moving a memslot zaps every leaf of the VM. */
export const KVM_X86_QUIRK_SLOT_ZAP_ALL = 0x80; // 6.12
export const KVM_X86_QUIRK_STUFF_FEATURE_MSRS = 0x100; // 6.14
/** The guest's PAT is ignored. */
export const KVM_X86_QUIRK_IGNORE_GUEST_PAT = 0x200; // 6.16, and 6.12.78 in that series
