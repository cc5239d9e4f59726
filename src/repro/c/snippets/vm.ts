import type { Snippets } from './types.js';

/** The guest, its vCPUs, and how it is run. */
export const VM: Snippets = {
  guest_code: {
    needs: ['base'],
    text: String.raw`
/*
 * The guest: each of these runs one command, and tells by the port of an OUT
 * how it ended.  The first page begins with a stub for each exception, then
 * the IDT and the GDT.
 */
#define PORT_DONE	0x20
#define PORT_FAULT	0x40	/* and the vector */

extern const char guest_code[], guest_end[];
extern const char OPS;
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "guest_code:\n"
    ".set v, 0\n"
    ".rept 32\n"
    ".balign 16\n"
    "	out	%al, $0x40 + v\n"
    ".set v, v + 1\n"
    ".endr\n"
    ".org guest_code + 0x200\n"
    ".set v, 0\n"
    ".rept 32\n"
    "	.word	v * 16, 0x08, 0x8e00, 0x0100\n"
    "	.quad	0\n"
    ".set v, v + 1\n"
    ".endr\n"
    "	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
    "done:	out	%al, $0x20\n"
OPCODE
    "guest_end:\n"
    ".popsection\n");`,
  },

  vcpu: {
    needs: ['base', 'guest_code'],
    text: `
static struct vcpu {
	int fd;
	struct kvm_run *run;
	int vector;		/* of the fault that ended a command, or -1 */
	int mmio;		/* accesses that left as MMIO */
	u32 exits, reason;	/* exits by MSRs, and why the last came */
} vcpus[VCPUS];

/* Eight windows onto the first 4 GiB, one for each entry of the PAT. */
static u64 pat_bits(int pat)
{
	return (pat & 1) << 3 | (pat & 2) << 3 | (u64)(pat & 4) << 10;
}

static void make_tables(void)
{
	u64 *pdpt = (u64 *)(ram + PDPT), *pd = (u64 *)(ram + DIRECTORIES);
	int pat, i;

	memcpy(ram + OWN, guest_code, guest_end - guest_code);
	*(u64 *)(ram + PML4) = PDPT | 3;
FAR_TABLES
	for (pat = 0; pat < 8; pat++) {
		for (i = 0; i < 4; i++)
			pdpt[pat * 64 + i] = (DIRECTORIES +
					      (pat * 4 + i) * PAGE) | 3;
		for (i = 0; i < 2048; i++)
			*pd++ = (u64)i << 21 | 0x83 | pat_bits(pat);
	}
}

static void make_vcpu(int id)
{
	struct kvm_segment code = { .limit = ~0u, .selector = 0x08, .type = 11,
		.present = 1, .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0u, .selector = 0x10, .type = 3,
		.present = 1, .s = 1, .db = 1, .g = 1 };
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	struct vcpu *vcpu = &vcpus[id];
	struct kvm_sregs sregs;
	u32 i;

	vcpu->fd = must(ioctl(vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
				    "KVM_GET_VCPU_MMAP_SIZE"),
			 PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die("mmap of a vCPU: %s", strerror(errno));
	cpuid.head.nent = 256;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "CPUID");
	for (i = 0; i < cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *leaf = &cpuid.entries[i];

		if (leaf->function == 1) {
			leaf->ebx = (leaf->ebx & 0xffffff) | (u32)id << 24;
			leaf->edx = (leaf->edx & ~(1u << 12)) | GUEST_MTRR << 12;
		} else if (leaf->function == 0xb || leaf->function == 0x1f) {
			leaf->edx = id;
		} else if (leaf->function == 0x80000008) {
			leaf->eax = (leaf->eax & ~0xffu) | MAXPHYADDR;
		}
	}
	must(ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
	must(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.idt = (struct kvm_dtable){ .base = OWN + 0x200, .limit = 0x1ff };
	sregs.gdt = (struct kvm_dtable){ .base = OWN + 0x400, .limit = 0x17 };
	sregs.cr0 = CR0 | (u64)START_CD << 30;	
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;				/* PAE */
	sregs.efer = 0x500;				/* LME, LMA */
	must(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

MSR_EXIT_CODE
/* Have a vCPU run one command of the guest; what it leaves in RAX. */
static u64 guest(int id, const char *code, u64 a, u64 b)
{
	struct kvm_regs regs = { .rip = OWN + (code - guest_code),
		.rsp = STACK(id), .rflags = 2, .rdi = a, .rsi = b,
		.rcx = a, .rax = (u32)b, .rdx = b >> 32 };
	struct vcpu *vcpu = &vcpus[id];
	struct kvm_run *run = vcpu->run;

	must(ioctl(vcpu->fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	for (;;) {
		must(ioctl(vcpu->fd, KVM_RUN, 0), "KVM_RUN");
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			vcpu->vector = run->io.port - PORT_FAULT;
			if (run->io.port == PORT_DONE)
				vcpu->vector = -1;
			must(ioctl(vcpu->fd, KVM_GET_REGS, &regs), "regs");
			return regs.rax;
		case KVM_EXIT_MMIO:	/* nobody answers */
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
			vcpu->mmio++;
			break;
		case KVM_EXIT_X86_RDMSR:
		case KVM_EXIT_X86_WRMSR:
			vcpu->exits++;
			vcpu->reason = run->msr.reason;
			MSR_EXIT;
			break;
		default:
			die("vCPU %d ended with exit reason %u", id,
			    run->exit_reason);
		}
	}
}`,
  },

  make_vm: {
    needs: ['vcpu'],
    text: `
static void make_vm(void)
{
	struct kvm_enable_cap exits = { .cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { MSR_EXITS } };
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_SIZE };
	int id;

	slot.userspace_addr = (u64)ram;
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	must(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	must(ioctl(vm, KVM_ENABLE_CAP, &exits), "KVM_CAP_X86_USER_SPACE_MSR");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "guest RAM");
	make_tables();
MORE_VM
}`,
  },
};
