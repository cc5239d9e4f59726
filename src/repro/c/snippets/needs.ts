import type { Snippets } from './types.js';

/** What a machine must have, else a reproducer is skipped. */
export const NEEDS: Snippets = {
  need_parameter: {
    needs: ['base', 'read_file'],
    text: `
/* Modules tell what is on by Y or 1. */
static void need_parameter(const char *module, const char *name,
			   const char *value)
{
	char path[128];
	const char *seen;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	seen = read_file(path);
	if ((seen[0] == 'Y' || seen[0] == '1') != (value[0] == 'Y'))
		skip("%s is %s, and %s is needed", path,
		     seen[0] ? seen : "not there", value);
}`,
  },

  need_quirk: {
    needs: ['base'],
    text: `
static void need_quirk(u32 quirk)
{
	int quirks = ioctl(kvm, KVM_CHECK_EXTENSION, 213);

	if (quirks < 0 || !(quirks & quirk))
		skip("this kernel cannot disable quirk 0x%x", quirk);
}`,
  },

  need_extension: {
    needs: ['base'],
    text: `
static void need_extension(int cap, const char *name)
{
	if (ioctl(kvm, KVM_CHECK_EXTENSION, cap) <= 0)
		skip("this kernel has no %s", name);
}`,
  },

  need_bits: {
    needs: ['base'],
    text: `
/* KVM takes no memory beyond the addresses of the processor. */
static void need_bits(u32 bits)
{
	u32 eax = 0, ebx, ecx, edx, has;

	__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
	has = eax & 0xff;
	if ((has > 48 ? 48 : has) < bits)
		skip("%u bits of physical addresses are needed", bits);
}`,
  },

  need_virtio: {
    needs: ['virtio_type'],
    text: `
static void need_virtio(int wanted)
{
	if ((virtio_type() != 0) != wanted)
		skip("KVM_DEV_TYPE_VIRTIO is %sthere", wanted ? "not " : "");
}`,
  },

  need_memslot_flag: {
    needs: ['memslot_flag', 'ram'],
    text: `
static void need_memslot_flag(int wanted)
{
	struct kvm_userspace_memory_region slot = { .memory_size = PAGE,
		.flags = noncoherent_flag() };
	int other = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	slot.userspace_addr = (u64)plain_memory(PAGE);
	if ((ioctl(other, KVM_SET_USER_MEMORY_REGION, &slot) == 0) != wanted)
		skip("KVM_MEM_NON_COHERENT_DMA is %sthere",
		     wanted ? "not " : "");
	close(other);
}`,
  },
};
