import type { Snippets } from './types.js';

/** What else is done to a vCPU or its VM: CR0, INIT, another one's state, quirks. */
export const STATES: Snippets = {
  cd_bits: {
    needs: ['base'],
    text: `
#define CD	(1ULL << 30)	/* caches disabled */
#define NW	(1ULL << 29)	/* no write-through */`,
  },

  guest_cd: {
    needs: ['want', 'vcpu', 'op_cr0', 'cd_bits'],
    text: `
/* The guest writes CR0, which is to work, or to fault. */
static void guest_cd(int id, u64 bits, int vector)
{
	guest(id, op_cr0, CR0 | bits, 0);
	want("vector of a fault by MOV to CR0", vector, vcpus[id].vector);
}`,
  },

  host_cd: {
    needs: ['vcpu', 'cd_bits'],
    text: `
static void host_cd(int id, u64 bits)
{
	struct kvm_sregs sregs;

	must(ioctl(vcpus[id].fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cr0 = (sregs.cr0 & ~(CD | NW)) | bits;
	must(ioctl(vcpus[id].fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}`,
  },

  started: {
    needs: ['want', 'vcpu'],
    text: `
/* Hold what an INIT left, and a SIPI if there was a vector; then the vCPU goes on where it was. */
static void started(int id, struct kvm_sregs *sregs, u64 cr0, int sipi)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs after;
	struct kvm_regs regs;
	int fd = vcpus[id].fd;

	must(ioctl(fd, KVM_GET_SREGS, &after), "KVM_GET_SREGS");
	must(ioctl(fd, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	want("CR0 after INIT", cr0, after.cr0);
	want("start after INIT", sipi < 0 ? 0xfffffff0u : (u32)sipi << 12,
	     after.cs.base + regs.rip);
	sregs->cr0 = (sregs->cr0 & ~(3ULL << 29)) | (after.cr0 & (3ULL << 29));
	must(ioctl(fd, KVM_SET_SREGS, sregs), "KVM_SET_SREGS");
	must(ioctl(fd, KVM_SET_MP_STATE, &state), "KVM_SET_MP_STATE");
}`,
  },

  init: {
    needs: ['started'],
    text: `
static void init(int id, u64 cr0, int sipi)
{
	struct kvm_mp_state state;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	int fd = vcpus[id].fd;

	must(ioctl(fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	must(ioctl(fd, KVM_GET_VCPU_EVENTS, &events), "events");
	events.flags = KVM_VCPUEVENT_VALID_SMM;
	events.smi.latched_init = 1;
	must(ioctl(fd, KVM_SET_VCPU_EVENTS, &events), "events");
	must(ioctl(fd, KVM_GET_MP_STATE, &state), "KVM_GET_MP_STATE");
	if (sipi >= 0) {
		must(ioctl(fd, KVM_GET_VCPU_EVENTS, &events), "events");
		events.flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR;
		events.sipi_vector = sipi;
		must(ioctl(fd, KVM_SET_VCPU_EVENTS, &events), "events");
		state.mp_state = KVM_MP_STATE_SIPI_RECEIVED;
		must(ioctl(fd, KVM_SET_MP_STATE, &state), "KVM_SET_MP_STATE");
		must(ioctl(fd, KVM_GET_MP_STATE, &state), "KVM_GET_MP_STATE");
	}
	started(id, &sregs, cr0, sipi);
}`,
  },

  init_by_apic: {
    needs: ['started', 'op_wrmsr'],
    text: `
#define X2APIC_ICR	0x830

static void use_x2apic(int id)
{
	struct kvm_sregs sregs;

	must(ioctl(vcpus[id].fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.apic_base |= 0xc00;
	must(ioctl(vcpus[id].fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

static void send_ipi(int from, int id, u32 command)
{
	struct kvm_mp_state state;

	guest(from, op_wrmsr, X2APIC_ICR, (u64)id << 32 | command);
	if (vcpus[from].vector >= 0)
		fail("WRMSR of the ICR: vector %d", vcpus[from].vector);
	/* KVM takes what is pending before it tells. */
	must(ioctl(vcpus[id].fd, KVM_GET_MP_STATE, &state), "KVM_GET_MP_STATE");
}

/* The guest of another vCPU sends the INIT and the SIPI. */
static void init_by_apic(int id, u64 cr0, int sipi, int from)
{
	struct kvm_sregs sregs;

	use_x2apic(from);
	use_x2apic(id);
	must(ioctl(vcpus[id].fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	send_ipi(from, id, 0x4500 /* INIT */);
	send_ipi(from, id, 0x4600 /* SIPI */ | sipi);
	started(id, &sregs, cr0, sipi);
}`,
  },

  restore: {
    needs: ['base', 'vcpu', 'drop_exception'],
    text: `
/* MSRs of time and of hypervisors are not those of a processor. */
static int is_of_processor(u32 msr)
{
	return msr != 0x10 && msr != 0x11 && msr != 0x12 && msr != 0x3b &&
	       msr != 0x6e0 && (msr < 0x40000000 || msr >= 0xc0000000);
}

static void copy_msr(int id, int from, u32 msr)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = msr } }, now = one;

	if (ioctl(vcpus[from].fd, KVM_GET_MSRS, &one) != 1)
		return;		/* the guest's CPUID has it not */
	if (ioctl(vcpus[id].fd, KVM_SET_MSRS, &one) != 1)
		fail("MSR 0x%x cannot be restored", msr);
	else if (ioctl(vcpus[id].fd, KVM_GET_MSRS, &now) != 1 ||
		 now.entry.data != one.entry.data)
		fail("MSR 0x%x: expected 0x%llx, seen 0x%llx", msr,
		     (u64)one.entry.data, (u64)now.entry.data);
}

/* Restore a vCPU from another one, as a VMM does, and set its CPUID again. */
static void restore(int id, int from, int mtrrs)
{
	static const u32 fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
		0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff };
	static struct {
		struct kvm_msr_list head;
		u32 indices[4096];
	} list;
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	u32 i;

	list.head.nmsrs = 4096;
	must(ioctl(kvm, KVM_GET_MSR_INDEX_LIST, &list), "a list of MSRs");
	for (i = 0; i < list.head.nmsrs; i++)
		if (is_of_processor(list.indices[i]))
			copy_msr(id, from, list.indices[i]);
	for (i = 0; mtrrs && i < 16; i++)
		copy_msr(id, from, 0x200 + i);
	for (i = 0; mtrrs && i < sizeof(fixed) / sizeof(*fixed); i++)
		copy_msr(id, from, fixed[i]);
	cpuid.head.nent = 256;
	must(ioctl(vcpus[id].fd, KVM_GET_CPUID2, &cpuid), "KVM_GET_CPUID2");
	ioctl(vcpus[id].fd, KVM_SET_CPUID2, &cpuid);	/* may be refused */
	drop_exception(id);
}`,
  },

  disable_old_quirks: {
    needs: ['want_ioctl'],
    text: `
/* The older capability, which refuses nothing. */
static void disable_old_quirks(u64 mask, int expected)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS,
				      .args = { mask } };

	want_ioctl("KVM_CAP_DISABLE_QUIRKS", expected,
		   ioctl(vm, KVM_ENABLE_CAP, &cap));
}`,
  },

  disable_quirks: {
    needs: ['want_ioctl'],
    text: `
#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2	213
#endif
static void disable_quirks(u64 mask, int expected)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2,
				      .args = { mask } };

	want_ioctl("KVM_CAP_DISABLE_QUIRKS2", expected,
		   ioctl(vm, KVM_ENABLE_CAP, &cap));
}`,
  },
};
