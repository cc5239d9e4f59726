import type { Snippets } from './types.js';

/** Questions to KVM about itself. */
export const QUESTIONS: Snippets = {
  ask_extension: {
    needs: ['base'],
    text: `
/* Bits in unsure may be either way: kernels of this policy differ. */
static void want_answer(const char *what, u64 number, u64 expected,
			u64 unsure, u32 seen)
{
	if ((expected ^ seen) & ~unsure)
		fail("%s %lld: expected 0x%llx, seen 0x%x", what, number,
		     expected, seen);
}`,
  },

  ask_vm: {
    needs: ['base'],
    text: `
static int other_vm(void)
{
	return must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
}`,
  },

  ask_arguments: {
    needs: ['ask_vm'],
    text: `
/* The bits that KVM_ENABLE_CAP takes, one at a time. */
static u32 argument_bits(u32 cap)
{
	struct kvm_enable_cap one = { .cap = cap };
	int i, other = other_vm();
	u32 bits = 0;

	for (i = 0; i < 32; i++) {
		one.args[0] = 1ULL << i;
		if (!ioctl(other, KVM_ENABLE_CAP, &one))
			bits |= 1u << i;
	}
	close(other);
	return bits;
}`,
  },

  ask_list: {
    needs: ['base'],
    text: `
/* How often a list of MSRs names one. */
static u32 listed(u64 call, u32 msr)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 4 * 4096);
	u32 i, count = 0;

	if (!list)
		die("no memory");
	list->nmsrs = 4096;
	must(ioctl(kvm, call, list), "a list of MSRs");
	for (i = 0; i < list->nmsrs; i++)
		count += list->indices[i] == msr;
	free(list);
	return count;
}`,
  },

  ask_types: {
    needs: ['base'],
    text: `
static u32 device_types(void)
{
	struct kvm_create_device test = { .flags = KVM_CREATE_DEVICE_TEST };
	u32 bits = 0;

	for (test.type = 0; test.type < 32; test.type++)
		if (!ioctl(vm, KVM_CREATE_DEVICE, &test))
			bits |= 1u << test.type;
	return bits;
}`,
  },

  ask_vfio: {
    needs: ['ask_vm'],
    text: `
static u32 vfio_attributes(u32 group)
{
	struct kvm_create_device make = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr attr = { .group = group };
	int other = other_vm();
	u32 bits = 0;

	if (!ioctl(other, KVM_CREATE_DEVICE, &make)) {
		for (; attr.attr < 32; attr.attr++)
			if (!ioctl(make.fd, KVM_HAS_DEVICE_ATTR, &attr))
				bits |= 1u << attr.attr;
		close(make.fd);
	}
	close(other);
	return bits;
}`,
  },

  ask_flags: {
    needs: ['ask_vm', 'ram'],
    text: `
static u32 slot_flags(void)
{
	struct kvm_userspace_memory_region slot = { .memory_size = PAGE };
	int other = other_vm();
	u32 bits = 0;

	slot.userspace_addr = (u64)plain_memory(PAGE);
	for (; slot.slot < 32; slot.slot++) {
		slot.guest_phys_addr = slot.slot * PAGE;
		slot.flags = 1u << slot.slot;
		if (!ioctl(other, KVM_SET_USER_MEMORY_REGION, &slot))
			bits |= slot.flags;
	}
	close(other);
	return bits;
}`,
  },

  ask_misuse: {
    needs: ['ask_vm'],
    text: `
static int vfio_set(int device, u32 group, u64 attr, int file)
{
	struct kvm_device_attr set = { .group = group, .attr = attr,
				       .addr = (u64)&file };

	return !ioctl(device, KVM_SET_DEVICE_ATTR, &set);
}

/* Misuses of KVM's VFIO device that go through, as bits. */
static u32 vfio_misuse(void)
{
	struct kvm_create_device make = { .type = KVM_DEV_TYPE_VFIO }, second;
	int other = other_vm(), file = open("/dev/null", O_RDONLY);
	struct kvm_device_attr attr = { .group = 1 };
	const int none = 0x7fffffff;
	u32 bits = 0;

	second = make;
	if (!ioctl(other, KVM_CREATE_DEVICE, &make)) {
		bits |= !ioctl(other, KVM_CREATE_DEVICE, &second);
		bits |= vfio_set(make.fd, 1, 1, file) << 1;
		bits |= vfio_set(make.fd, 1, 1, none) << 2;
		bits |= vfio_set(make.fd, 1, 2, file) << 3;
		bits |= vfio_set(make.fd, 1, 2, none) << 4;
		bits |= vfio_set(make.fd, 1, 0, file) << 5;
		bits |= vfio_set(make.fd, 1, 3, file) << 6;
		bits |= vfio_set(make.fd, 2, 1, file) << 7;
		for (attr.attr = 1; attr.attr <= 2; attr.attr++)
			bits |= !ioctl(make.fd, KVM_SET_DEVICE_ATTR, &attr)
				<< (7 + attr.attr);
		close(make.fd);
	}
	close(file);
	close(other);
	return bits;
}`,
  },

  ask_filters: {
    needs: ['ask_vm'],
    text: `
/* Filters of MSRs that are none and that KVM takes, as bits. */
static u32 filter_misuse(void)
{
	static u8 bitmap[8];
	struct kvm_msr_filter_range range = { 1, 1, 0x277, bitmap };
	struct kvm_msr_filter filters[4] = { { .flags = 2 } };
	int other = other_vm(), i;
	u32 bits = 0;

	for (i = 0; i < 4; i++) {
		range.flags = i == 1 ? 0 : i == 2 ? 4 : 1;
		range.bitmap = i == 3 ? (u8 *)1 : bitmap;
		filters[i].ranges[0] = range;
		bits |= !ioctl(other, KVM_X86_SET_MSR_FILTER, &filters[i]) << i;
	}
	close(other);
	return bits;
}`,
  },

  ask_kept: {
    needs: ['ask_vm'],
    text: `
/* Does an MSR stay as it was written when KVM_SET_CPUID2 comes after it? */
static u32 kept_msr(u32 msr)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = msr } };
	int other = other_vm();
	int vcpu = must(ioctl(other, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	u64 value = msr == 0x2ff ? 0x806 : msr == 0x200 ? 0x400006 :
		    0x0606060606060606ULL;

	one.entry.data = value;
	cpuid.head.nent = 256;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "CPUID");
	if (ioctl(vcpu, KVM_SET_MSRS, &one) != 1)
		return 0;
	must(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
	one.entry.data = 0;
	if (ioctl(vcpu, KVM_GET_MSRS, &one) != 1)
		return 0;
	close(vcpu);
	close(other);
	return one.entry.data == value;
}`,
  },

  ask_cpuid: {
    needs: ['base'],
    text: `
/* What a leaf says of memory: MTRRs, PAT, self-snoop and VMX, or sizes. */
static u32 cpuid_bits(u32 leaf)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	u32 i;

	cpuid.head.nent = 256;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "CPUID");
	for (i = 0; i < cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid.entries[i];

		if (entry->function == leaf && leaf != 1)
			return entry->eax & 0xff00ff;
		if (entry->function == leaf)
			return (entry->edx & 0x8011000) | (entry->ecx & 0x20);
	}
	return 0;
}`,
  },
};
