/* SPDX-License-Identifier: MIT */
/*
 * An option ROM that starts a kernel which the emulator has already put into RAM: ask the BIOS for the
 * memory map, enter long mode, jump to the kernel's 64-bit entry point
 * (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
 *
 * Bochs gives guest RAM out in blocks, in the order of first use, but reads a RAM image in one piece
 * from its first block on. So the image is a tape: each block of RAM that is touched for the first time
 * shows the tape's next block. The BIOS has consumed a few; touch unused blocks until the mark turns up,
 * then touch the places where the rest of the tape belongs, in its order.
 *
 * The host fills in `entry` and the checksum byte. The addresses are the host's too: see directboot.ts.
 */
#define ROM_BASE 0xd0000
#define BOOT_PARAMS 0x100000
#define PML4 0x102000
#define PLACES 0x108000			/* pairs of address and number of blocks, ended by 0 */
#define SPARE 0x8000000
#define SPARE_END 0x9000000
#define BLOCK 0x20000
#define TAPE_MARK 0x65706174		/* "tape" */
#define COM1 0x3f8
#define E820_SCRATCH 0x8000
#define E820_ENTRY 20
#define E820_MAX 128
#define BP_E820_COUNT 0x1e8
#define BP_E820_TABLE 0x2d0
#define BOOT_CS 0x10
#define BOOT_DS 0x18
#define BOOT_CS32 0x20

	.code16
	.globl _start
_start:
	.byte 0x55, 0xaa, 1		/* signature, length in 512-byte units */
	jmp real_mode
	.balign 8
entry:	.quad 0				/* offset 8: filled in by the host */

real_mode:
	xorw %ax, %ax
	movw %ax, %es
	movw $E820_SCRATCH, %di
	xorw %bp, %bp			/* entries so far */
	xorl %ebx, %ebx
next_range:
	movl $0xe820, %eax
	movl $0x534d4150, %edx		/* "SMAP" */
	movl $E820_ENTRY, %ecx
	int $0x15
	jc map_done
	incw %bp
	addw $E820_ENTRY, %di
	testl %ebx, %ebx
	jz map_done
	cmpw $E820_MAX, %bp
	jb next_range
map_done:
	cli
	inb $0x92, %al			/* A20 */
	orb $2, %al
	outb %al, $0x92
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_pointer
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $BOOT_CS32, $(ROM_BASE + protected_mode)

	.code32
protected_mode:
	movw $BOOT_DS, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss

	movl $SPARE, %edi
find_mark:
	cmpl $TAPE_MARK, (%edi)
	je place_blocks
	addl $BLOCK, %edi
	cmpl $SPARE_END, %edi
	jb find_mark
	movl $(ROM_BASE + no_mark), %esi
	movw $COM1, %dx
complain:
	lodsb
	outb %al, %dx
	testb %al, %al
	jnz complain
	ud2				/* no interrupt table: this ends the emulator */
place_blocks:
	movl $PLACES, %esi
next_place:
	lodsl
	testl %eax, %eax
	jz placed
	movl %eax, %edi
	lodsl
	movl %eax, %ecx
touch:
	movl (%edi), %eax
	addl $BLOCK, %edi
	loop touch
	jmp next_place

placed:
	movzwl %bp, %eax
	movb %al, BOOT_PARAMS + BP_E820_COUNT
	imull $E820_ENTRY, %eax, %ecx
	movl $E820_SCRATCH, %esi
	movl $(BOOT_PARAMS + BP_E820_TABLE), %edi
	cld
	rep movsb

	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $PML4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* EFER */
	rdmsr
	orl $0x100, %eax		/* LME */
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax		/* PG */
	movl %eax, %cr0
	ljmpl $BOOT_CS, $(ROM_BASE + long_mode)

	.code64
long_mode:
	movl $BOOT_PARAMS, %esi
	jmp *(ROM_BASE + entry)

no_mark: .asciz "lab: the RAM image is not where it should be\n"
	.balign 8
gdt:	.quad 0, 0
	.quad 0x00af9b000000ffff	/* BOOT_CS: 64-bit code */
	.quad 0x00cf93000000ffff	/* BOOT_DS: data */
	.quad 0x00cf9b000000ffff	/* BOOT_CS32: 32-bit code */
gdt_pointer:
	.word . - gdt - 1
	.long ROM_BASE + gdt

	.org 512
