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
