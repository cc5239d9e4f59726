/* Entry, exception vectors, IDT and GDT of the probe guest. The VMM starts every vCPU in long mode. */
#include "probe.h"

/* One 16-byte stub for each of the 32 exceptions, first in the image so that the IDT can be constant. */
	.section .vectors, "ax", @progbits
	.balign 16
	.set vector, 0
	.rept 32
	.balign 16
	/* Of the 32, only these push an error code: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX. */
	.if (0x60227d00 >> vector) & 1
	.else
	push $0
	.endif
	push $vector
	jmp common_fault
	.set vector, vector + 1
	.endr
	.balign 16

	.section .idt, "a", @progbits
	.balign 16
	.set vector, 0
	.rept 32
	.word vector * 16 + (PROBE_BASE & 0xffff)
	.word PROBE_CODE_SELECTOR
	.word 0x8e00			/* present, interrupt gate, IST 0 */
	.word PROBE_BASE >> 16
	.quad 0
	.set vector, vector + 1
	.endr

	.section .gdt, "a", @progbits
	.balign 16
	.quad 0
	.quad 0x00af9b000000ffff	/* code, long mode, accessed: never written back */
	.quad 0x00cf93000000ffff	/* data */

	.section .text.entry, "ax", @progbits
	.globl probe_start
/* RSP: top of the vCPU's block. */
probe_start:
	mov %rsp, %rbx
	sub $PROBE_BLOCK_SIZE, %rbx
1:	mov %rbx, %rdi
	call probe_batch
	mov $PROBE_DOORBELL_PORT, %edx
	out %eax, %dx
	jmp 1b

/*
 * probe_guarded(mailbox, entry): run one command. Save what the C ABI asks to keep and where it lies, so
 * that a fault can drop whatever the command was doing and return from here.
 */
	.globl probe_guarded
probe_guarded:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov %rsp, PROBE_MAILBOX_SAVED_RSP(%rdi)
	mov %rsi, %rdi
	call probe_command
guarded_return:
	pop %rdi
	movq $0, PROBE_MAILBOX_SAVED_RSP(%rdi)
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* Fields of the VMCS that change from one entry of L2 to the next. */
#define VMCS_GUEST_CR0 0x6800
#define VMCS_GUEST_RIP 0x681e
#define VMCS_HOST_CR0 0x6c00
#define VMCS_HOST_RSP 0x6c14
#define VMCS_HOST_RIP 0x6c16

	.macro vmcs_write field, value
	mov $\field, %eax
	vmwrite \value, %rax
	.endm

/*
 * probe_l2(address, code, &rax): have L2 run `code` until it exits. CR0 is L1's own but for paging: neither an entry
 * nor an exit changes CR0.CD (SDM, "Loading Guest Control Registers"). Answer 1, or 0 if L2 was not entered.
 */
	.globl probe_l2
probe_l2:
	push %rdx
	vmcs_write VMCS_GUEST_RIP, %rsi
	mov %cr0, %rcx
	vmcs_write VMCS_HOST_CR0, %rcx
	btr $31, %rcx			/* PG */
	vmcs_write VMCS_GUEST_CR0, %rcx
	vmcs_write VMCS_HOST_RSP, %rsp
	lea 1f(%rip), %rcx
	vmcs_write VMCS_HOST_RIP, %rcx
	/* Fails once, before the first launch. */
	vmresume
	vmlaunch
	pop %rdx
	xor %eax, %eax
	ret
1:	pop %rdx
	mov %rax, (%rdx)
	mov $1, %eax
	ret

/* What L2 runs: EDI is where. L2 is in 32-bit mode, where these bytes mean the same. */
	.globl probe_l2_read
probe_l2_read:
	mov (%rdi), %eax
	vmcall
	.globl probe_l2_write
probe_l2_write:
	movl $1, (%rdi)
	vmcall

/* Stack: vector, error code, RIP, CS, RFLAGS, RSP, SS. Never returns by iret: the command is over. */
common_fault:
	cld
	mov %rsp, %rdi
	mov %rsp, %rsi
	and $-PROBE_BLOCK_SIZE, %rsi
	mov PROBE_MAILBOX_SAVED_RSP(%rsi), %rbx
	test %rbx, %rbx
	jz 2f
	mov %cr2, %rdx
	call probe_fault
	mov %rbx, %rsp
	jmp guarded_return
	/* A fault outside a command is a bug of the guest: stop where the VMM sees it. */
2:	hlt
	jmp 2b

	.section .note.GNU-stack, "", @progbits
