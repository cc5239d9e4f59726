/** Memslot of a machine's RAM, from gpa 0 on. */
export const RAM_SLOT = 0;

/** The proposed flag, where nobody says which bit a kernel gives it: the lowest that was free when it was posted. */
export const KVM_MEM_NON_COHERENT_DMA = 1 << 3;
