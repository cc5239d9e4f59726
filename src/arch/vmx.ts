// VMX as the SDM has it: "Field Encoding in VMCS", "VM-Execution Control Fields", "EPT Translation Mechanism".

/** Exit reason of VMCALL. */
export const EXIT_REASON_VMCALL = 18;

/** Names of the exit reasons that a guest under test may meet; a VM entry that failed has bit 31 set. */
export const EXIT_REASONS: Readonly<Record<number, string>> = {
  0: 'exception',
  2: 'triple fault',
  18: 'VMCALL',
  48: 'EPT violation',
  49: 'EPT misconfiguration',
  2147483681: 'VM entry failed: invalid guest state',
};

export const IA32_FEATURE_CONTROL = 0x3a;
/** Locked, VMX allowed outside of SMX. */
export const FEATURE_CONTROL_VMX = 0x5n;
/** Its low 31 bits are the revision that VMXON and VMCS regions begin with. */
export const IA32_VMX_BASIC = 0x480;

/** CPUID.1:ECX. */
export const CPUID_VMX = 1 << 5;

/** Fields of a VMCS by their encoding; segment fields are those of ES, and those of CS, SS, DS, FS, GS, LDTR and TR follow by 2. */
export const VMCS = {
  GUEST_SELECTOR: 0x800,
  HOST_SELECTOR: 0xc00,
  EPTP: 0x201a,
  LINK_POINTER: 0x2800,
  PIN_CONTROLS: 0x4000,
  CPU_CONTROLS: 0x4002,
  EXCEPTION_BITMAP: 0x4004,
  EXIT_CONTROLS: 0x400c,
  ENTRY_CONTROLS: 0x4012,
  SECONDARY_CONTROLS: 0x401e,
  GUEST_LIMIT: 0x4800,
  GUEST_ACCESS: 0x4814,
  GUEST_CR4: 0x6804,
  GUEST_DR7: 0x681a,
  GUEST_RFLAGS: 0x6820,
  HOST_CR3: 0x6c02,
  HOST_CR4: 0x6c04,
  HOST_GDTR: 0x6c0c,
  HOST_IDTR: 0x6c0e,
} as const;
