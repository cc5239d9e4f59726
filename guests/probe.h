/*
 * Layout shared by the probe guest and the VMM. src/probe/layout.ts states the same numbers and its
 * test reads this file, so keep every line a plain `#define NAME value`.
 */
#ifndef PROBE_H
#define PROBE_H

/* Guest-physical (and virtual: window 0 is the identity map) address of the image. */
#define PROBE_BASE 0x1000000
/* The image (vectors, IDT, GDT, code) must fit in this many bytes. */
#define PROBE_IMAGE_SIZE 0x2000
#define PROBE_IDT 0x1000200
#define PROBE_GDT 0x1000400
#define PROBE_CODE_SELECTOR 0x08
#define PROBE_DATA_SELECTOR 0x10

/* One block a vCPU, aligned to its size: mailbox page below, stack page above. */
#define PROBE_BLOCK_SIZE 0x2000
#define PROBE_DOORBELL_PORT 0x510

/* Mailbox header; the entries follow. */
#define PROBE_MAGIC 0x50564d4b
#define PROBE_MAILBOX_MAGIC 0
#define PROBE_MAILBOX_COUNT 4
#define PROBE_MAILBOX_DONE 8
#define PROBE_MAILBOX_SAVED_RSP 16
#define PROBE_MAILBOX_ENTRIES 64
#define PROBE_MAX_COMMANDS 63

/* One command and its result. */
#define PROBE_ENTRY_SIZE 64
#define PROBE_ENTRY_OP 0
#define PROBE_ENTRY_WIDTH 2
#define PROBE_ENTRY_STATUS 4
#define PROBE_ENTRY_A 8
#define PROBE_ENTRY_B 16
#define PROBE_ENTRY_VALUE 24
#define PROBE_ENTRY_EXTRA 32
#define PROBE_ENTRY_CR2 40
#define PROBE_ENTRY_RIP 48
#define PROBE_ENTRY_ERROR_CODE 56
#define PROBE_ENTRY_VECTOR 60

#define PROBE_STATUS_PENDING 0
#define PROBE_STATUS_OK 1
#define PROBE_STATUS_FAULT 2
#define PROBE_STATUS_BAD_OP 3
#define PROBE_STATUS_VMFAIL 4

#define PROBE_OP_RDMSR 1
#define PROBE_OP_WRMSR 2
#define PROBE_OP_READ 3
#define PROBE_OP_WRITE 4
#define PROBE_OP_FETCH 5
#define PROBE_OP_CLFLUSH 6
#define PROBE_OP_TIMED_READ 7
#define PROBE_OP_WBINVD 8
#define PROBE_OP_INVLPG 9
#define PROBE_OP_READ_CR 10
#define PROBE_OP_WRITE_CR 11
#define PROBE_OP_CPUID 12
#define PROBE_OP_PAUSE 13
#define PROBE_OP_WITNESS 14
#define PROBE_OP_VMXON 20
#define PROBE_OP_VMPTRLD 21
#define PROBE_OP_VMWRITE 22
#define PROBE_OP_INVEPT 23
#define PROBE_OP_L2_READ 24
#define PROBE_OP_L2_WRITE 25

/* RCX of a guest that stands still for the emulator to look at its reads at RBX
 * (guests/lab/witness.c). */
#define PROBE_WITNESS_BEGIN 0x57495431
#define PROBE_WITNESS_END 0x57495432
/* The page that takes what was seen: how many came, IA32_PAT, text that ends in a NUL. */
#define PROBE_WITNESS_SIZE 0x1000
#define PROBE_WITNESS_COUNT 0
#define PROBE_WITNESS_PAT 8
#define PROBE_WITNESS_TEXT 16

#endif
