import type { Snippets } from './types.js';

/** MSRs. */
export const REGISTERS: Snippets = {
  outcome: {
    needs: ['base', 'vcpu'],
    text: `
/* What becomes of an MSR access: #GP, and why it left for user space. */
enum {
	OK,
	INVAL = KVM_MSR_EXIT_REASON_INVAL,
	UNKNOWN = KVM_MSR_EXIT_REASON_UNKNOWN,
	FILTER = KVM_MSR_EXIT_REASON_FILTER,
	GP = 0x100,
	TWICE = 0x200,		/* two #GPs at once will do: #DF */
};

static void want_msr(int id, const char *what, u32 msr, int expected)
{
	struct vcpu *vcpu = &vcpus[id];
	int seen = vcpu->exits ? vcpu->reason : 0;

	if (vcpu->vector == 13 || (vcpu->vector == 8 && (expected & TWICE)))
		seen |= GP;
	else if (vcpu->vector >= 0)
		fail("%s of MSR 0x%x: vector %d", what, msr, vcpu->vector);
	if (seen != (expected & ~TWICE))
		fail("%s of MSR 0x%x: expected %s, exit reason 0x%x; "
		     "seen %s, exit reason 0x%x", what, msr,
		     expected & GP ? "#GP" : "success", expected & 0xff,
		     seen & GP ? "#GP" : "success", seen & 0xff);
}`,
  },

  guest_wrmsr: {
    needs: ['outcome', 'op_wrmsr'],
    text: `
static void guest_wrmsr(int id, u32 msr, u64 value, int expected)
{
	vcpus[id].exits = 0;
	guest(id, op_wrmsr, msr, value);
	want_msr(id, "WRMSR", msr, expected);
}`,
  },

  plain_wrmsr: {
    needs: ['vcpu', 'op_wrmsr'],
    text: `
static void guest_wrmsr(int id, u32 msr, u64 value)
{
	guest(id, op_wrmsr, msr, value);
	if (vcpus[id].vector >= 0)
		fail("WRMSR of MSR 0x%x: vector %d", msr, vcpus[id].vector);
}`,
  },

  plain_rdmsr: {
    needs: ['vcpu', 'op_rdmsr'],
    text: `
static void guest_rdmsr(int id, u32 msr, u64 value)
{
	u64 seen = guest(id, op_rdmsr, msr, 0);

	if (vcpus[id].vector >= 0 || seen != value)
		fail("RDMSR of MSR 0x%x: expected 0x%llx, seen 0x%llx, vector %d",
		     msr, value, seen, vcpus[id].vector);
}`,
  },

  guest_rdmsr: {
    needs: ['outcome', 'op_rdmsr'],
    text: `
static void guest_rdmsr(int id, u32 msr, u64 value, int expected)
{
	u64 seen;

	vcpus[id].exits = 0;
	seen = guest(id, op_rdmsr, msr, 0);
	want_msr(id, "RDMSR", msr, expected);
	if (!(expected & GP) && vcpus[id].vector < 0 && seen != value)
		fail("MSR 0x%x: expected 0x%llx, seen 0x%llx", msr, value,
		     seen);
}`,
  },

  msr_table: {
    needs: ['base'],
    text: `
struct msr {
	u32 msr;
	int is_write;
	u64 value;		/* to write, or that a read must give */
	int expected;
};`,
  },

  guest_msrs: {
    needs: ['guest_wrmsr', 'guest_rdmsr', 'msr_table'],
    text: `
static void guest_msrs(int id, const struct msr *ops, int count)
{
	for (; count-- > 0; ops++)
		if (ops->is_write)
			guest_wrmsr(id, ops->msr, ops->value, ops->expected);
		else
			guest_rdmsr(id, ops->msr, ops->value, ops->expected);
}`,
  },

  drop_exception: {
    needs: ['vcpu'],
    text: `
/* Before 6.5 a bad value that the host writes may leave the guest a #GP. */
static void drop_exception(int id)
{
	struct kvm_vcpu_events events;

	must(ioctl(vcpus[id].fd, KVM_GET_VCPU_EVENTS, &events), "events");
	events.exception.injected = events.exception.pending = 0;
	must(ioctl(vcpus[id].fd, KVM_SET_VCPU_EVENTS, &events), "events");
}`,
  },

  host_wrmsr: {
    needs: ['want', 'vcpu', 'drop_exception'],
    text: `
static void host_wrmsr(int id, u32 msr, u64 value, int expected)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = msr, .data = value } };
	int done = must(ioctl(vcpus[id].fd, KVM_SET_MSRS, &one), "KVM_SET_MSRS");

	want("MSRs that KVM_SET_MSRS takes", expected, done);
	drop_exception(id);
}`,
  },

  host_rdmsr: {
    needs: ['want', 'vcpu'],
    text: `
static void host_rdmsr(int id, u32 msr, u64 value, int expected)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = msr } };
	int done = must(ioctl(vcpus[id].fd, KVM_GET_MSRS, &one), "KVM_GET_MSRS");

	want("MSRs that KVM_GET_MSRS gives", expected, done);
	if (expected && done)
		want("value of an MSR", value, one.entry.data);
}`,
  },

  host_msrs: {
    needs: ['want', 'msr_table', 'vcpu', 'drop_exception'],
    text: `
/* KVM_SET_MSRS or KVM_GET_MSRS, which must do so many and end there. */
static void host_msrs(int id, const struct msr *ops, int count, int expected)
{
	struct kvm_msrs *all = calloc(1, sizeof(*all) +
				      count * sizeof(all->entries[0]));
	int is_write = ops[0].is_write, i, done;

	if (!all)
		die("no memory");
	all->nmsrs = count;
	for (i = 0; i < count; i++) {
		all->entries[i].index = ops[i].msr;
		all->entries[i].data = is_write ? ops[i].value : 0;
	}
	done = must(ioctl(vcpus[id].fd, is_write ? KVM_SET_MSRS : KVM_GET_MSRS,
			  all), "KVM_SET_MSRS or KVM_GET_MSRS");
	want("MSRs done", expected, done);
	for (i = 0; !is_write && i < done && i < expected; i++)
		if (all->entries[i].data != ops[i].value)
			fail("MSR 0x%x: expected 0x%llx, seen 0x%llx",
			     ops[i].msr, ops[i].value,
			     (u64)all->entries[i].data);
	drop_exception(id);
	free(all);
}`,
  },

  msr_filter: {
    needs: ['want_ioctl'],
    text: `
static void msr_filter(u32 flags, const struct kvm_msr_filter_range *ranges,
		       int count, int expected)
{
	struct kvm_msr_filter filter = { .flags = flags };

	memcpy(filter.ranges, ranges, count * sizeof(*ranges));
	want_ioctl("KVM_X86_SET_MSR_FILTER", expected,
		   ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter));
}`,
  },

  msr_exits: {
    needs: ['want_ioctl'],
    text: `
static void msr_exits(u64 reasons)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR,
				      .args = { reasons } };

	want_ioctl("KVM_CAP_X86_USER_SPACE_MSR", 0,
		   ioctl(vm, KVM_ENABLE_CAP, &cap));
}`,
  },
};

/** The guest's commands by name; RDI and RSI are their arguments, RCX and EDX:EAX those of WRMSR. */
export const OPS: Readonly<Record<string, readonly string[]>> = {
  op_rdmsr: ['rdmsr', 'shl $32, %rdx', 'or %rdx, %rax', 'jmp done'],
  op_wrmsr: ['wrmsr', 'jmp done'],
  op_read: ['mov (%rdi), %eax', 'jmp done'],
  op_write: ['movl $1, (%rdi)', 'jmp done'],
  op_fetch: ['call *%rdi', 'jmp done'],
  op_cr0: ['mov %rdi, %cr0', 'jmp done'],
  op_nop: ['jmp done'],
  op_pause: ['pause', 'sub $1, %rdi', 'ja op_pause', 'jmp done'],
  op_vmxon: ['push %rdi', 'vmxon (%rsp)', 'jbe 1f', 'jmp done', '1: ud2'],
  op_vmptrld: ['push %rdi', 'vmclear (%rsp)', 'jbe 1f', 'vmptrld (%rsp)', 'jbe 1f', 'jmp done', '1: ud2'],
  op_vmwrite: ['vmwrite %rsi, %rdi', 'jbe 1f', 'jmp done', '1: ud2'],
  op_invept: ['push $0', 'push %rdi', 'mov $1, %eax', 'invept (%rsp), %rax', 'jbe 1f', 'jmp done', '1: ud2'],
  // RDI: where L2 accesses memory, RSI: its code. CR0 is the guest's own but for paging. In the end EAX is why L2 ended.
  op_l2: [
    'mov $0x681e, %eax; vmwrite %rsi, %rax',
    'mov %cr0, %rcx; mov $0x6c00, %eax; vmwrite %rcx, %rax',
    'btr $31, %rcx; mov $0x6800, %eax; vmwrite %rcx, %rax',
    'mov $0x6c14, %eax; vmwrite %rsp, %rax',
    'lea 1f(%rip), %rcx; mov $0x6c16, %eax; vmwrite %rcx, %rax',
    'vmresume',
    'vmlaunch',
    'ud2',
    '1: mov %rax, %rsi; mov $0x4402, %ecx; vmread %rcx, %rcx',
    'mov %esi, %eax; shl $32, %rcx; or %rcx, %rax; jmp done',
  ],
  l2_read: ['mov (%rdi), %eax', 'vmcall'],
  l2_write: ['movl $1, (%rdi)', 'vmcall'],
};
