/** What KVM can be asked about itself; most questions need a number. The answer is a number, or one bit for each of several things. */
export const QUESTIONS = [
  'extension', // KVM_CHECK_EXTENSION of /dev/kvm; by the capability
  'vm-extension', // the same of a VM
  'extension-arguments', // which bits KVM_ENABLE_CAP takes of a VM, each by itself; by the capability
  'saved-msr', // how often KVM_GET_MSR_INDEX_LIST names it; by the MSR
  'feature-msr', // the same of KVM_GET_MSR_FEATURE_INDEX_LIST
  'kept-msr', // whether it stays as it was written where KVM_SET_CPUID2 comes after it; by the MSR
  'supported-cpuid', // what memory types rest on in KVM_GET_SUPPORTED_CPUID: MTRR, PAT, SS and VMX, or sizes of addresses; by the leaf
  'device-types', // which of the first 32 KVM_CREATE_DEVICE_TEST says there are; number 0
  'vfio-attributes', // which of the first 32 KVM_DEV_TYPE_VFIO has; by their group
  'vfio-misuse', // which misuses of KVM_DEV_TYPE_VFIO go through: agent/ask.ts has them in order; number 0
  'filter-misuse', // which filters of MSRs KVM takes that are none: agent/ask.ts has them in order; number 0
  'memslot-flags', // which KVM_SET_USER_MEMORY_REGION takes, each by itself; number 0
] as const;

/** A question that KVM answers about itself. */
export type Question = (typeof QUESTIONS)[number];
