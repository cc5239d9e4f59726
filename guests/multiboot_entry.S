/* Multiboot header, PVH note and entries of the hello guest (32-bit protected mode, paging off). */
	.set MAGIC, 0x1badb002
	.set FLAGS, 0x3			/* modules on page boundaries, memory map wanted */

	.section .multiboot, "a", @progbits
	.balign 4
	.long MAGIC
	.long FLAGS
	.long -(MAGIC + FLAGS)

	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.section .note.Xen, "a", @note
	.balign 4
	.long 4
	.long 4
	.long 18
	.asciz "Xen"
	.long pvh_start

	.section .text.entry, "ax", @progbits
	.globl multiboot_start
multiboot_start:
	mov $stack_top, %esp
	push %ebx
	push %eax
	call multiboot_main
1:	hlt
	jmp 1b

	.globl pvh_start
pvh_start:
	mov $stack_top, %esp
	push %ebx
	call pvh_main
	jmp 1b

	.section .bss, "aw", @nobits
	.balign 16
	.space 4096
stack_top:

	.section .note.GNU-stack, "", @progbits
