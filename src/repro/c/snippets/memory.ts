import type { Snippets } from './types.js';

/** Accesses, memslots and the host's memory. */
export const MEMORY: Snippets = {
  near_va: {
    needs: ['vcpu'],
    text: `
/* Where the guest sees an address through an entry of the PAT. */
static u64 va(u64 gpa, int pat)
{
	return (u64)pat << 36 | gpa;
}`,
  },

  far_va: {
    needs: ['vcpu'],
    text: `
/* Where the guest sees an address through an entry of the PAT. */
static u64 va(u64 gpa, int pat)
{
	u64 *far = (u64 *)(ram + FAR_DIRECTORY), entry;
	int i;

	if (gpa < 1ULL << 32)
		return (u64)pat << 36 | gpa;
	entry = (gpa & ~0x1fffffULL) | 0x83 | pat_bits(pat);
	for (i = 0; far[i] && (far[i] & ~0x60ULL) != entry; i++)
		;
	far[i] = far[i] ? far[i] : entry;
	return (1ULL << 32) + ((u64)i << 21) + (gpa & 0x1fffff);
}`,
  },

  want_done: {
    needs: ['vcpu'],
    text: `
static void want_done(int id, int mmio)
{
	if (vcpus[id].vector >= 0)
		fail("the access ended in a fault, vector %d", vcpus[id].vector);
	if (vcpus[id].mmio != mmio)
		fail("MMIO exits: expected %d, seen %d", mmio, vcpus[id].mmio);
	vcpus[id].mmio = 0;
}`,
  },

  guest_read: {
    needs: ['va', 'want_done', 'op_read'],
    text: `
static u32 guest_read(int id, u64 gpa, int pat, int mmio)
{
	u64 value = guest(id, op_read, va(gpa, pat), 0);

	want_done(id, mmio);
	return value;
}`,
  },

  guest_write: {
    needs: ['va', 'want_done', 'op_write'],
    text: `
static void guest_write(int id, u64 gpa, int pat, int mmio)
{
	guest(id, op_write, va(gpa, pat), 0);
	want_done(id, mmio);
}`,
  },

  guest_fetch: {
    needs: ['va', 'want_done', 'at', 'op_fetch'],
    text: `
/* The guest calls a RET that is put there. */
static void guest_fetch(int id, u64 gpa, int pat)
{
	*at(gpa) = 0xc3;
	guest(id, op_fetch, va(gpa, pat), 0);
	want_done(id, 0);
}`,
  },

  slots: {
    needs: ['base'],
    text: `
/* Memslots, and the memory that is theirs. */
static struct slot {
	u64 gpa, size, memory_size, offset;
	u8 *memory;
} slots[SLOTS];`,
  },

  at: {
    needs: ['slots'],
    text: `
/* The memory behind an address of the guest. */
static u8 *at(u64 gpa)
{
	struct slot *slot;

	for (slot = slots; slot < slots + SLOTS; slot++)
		if (gpa >= slot->gpa && gpa - slot->gpa < slot->size)
			return slot->memory + slot->offset + gpa - slot->gpa;
	die("there is no memory at 0x%llx", gpa);
}`,
  },

  pci_bar: {
    needs: ['base', 'pci_device'],
    text: `
/* Host MMIO: the first BAR of the PCI function. */
static u8 *pci_bar(u64 size)
{
	char path[128];
	u8 *memory;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0",
		 pci_device ? pci_device : "no device was named");
	fd = open(path, O_RDWR);
	if (fd < 0)
		skip("%s: %s", path, strerror(errno));
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap of %s: %s", path, strerror(errno));
	close(fd);
	return memory;
}`,
  },

  gib_memory: {
    needs: ['base'],
    text: `
/* The one page of 1 GiB that the host keeps, whoever asks for it. */
static u8 *gib_memory(u64 size)
{
	static u8 *memory;

	if (memory)
		return memory;
	if (size > 1 << 30)
		die("more than a page of 1 GiB");
	memory = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_SHARED |
		      MAP_ANONYMOUS | MAP_HUGETLB | 30 << 26 /* 1 GiB */, -1, 0);
	if (memory == MAP_FAILED)
		skip("no page of 1 GiB: %s", strerror(errno));
	return memory;
}`,
  },

  set_slot: {
    needs: ['slots', 'want_ioctl', 'MEMORY_KINDS'],
    text: `
/* A slot that exists keeps its memory, offset bytes of which lie before it. */
static void set_slot(int id, u64 gpa, u64 size, u32 flags, int kind,
		     u64 offset, int memory_of, int expected)
{
	struct kvm_userspace_memory_region region = { .slot = id,
		.flags = flags, .guest_phys_addr = gpa, .memory_size = size };
	struct slot slot = slots[id];

	if (memory_of >= 0 && !slot.memory) {
		slot = slots[memory_of];
		slot.offset = offset;
	}
	if (!slot.memory || slot.offset + size > slot.memory_size) {
		slot.offset = offset;
		slot.memory_size = offset + size;
		slot.memory = new_memory(kind, slot.memory_size);
	}
	slot.gpa = gpa;
	slot.size = size;
	region.userspace_addr = (u64)slot.memory + slot.offset;
	if (!want_ioctl("KVM_SET_USER_MEMORY_REGION", expected,
			ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region)))
		slots[id] = slot;
}`,
  },

  delete_slot: {
    needs: ['slots', 'want_ioctl'],
    text: `
static void delete_slot(int id, int expected)
{
	struct kvm_userspace_memory_region region = { .slot = id };

	if (!want_ioctl("KVM_SET_USER_MEMORY_REGION, size 0", expected,
			ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region)))
		slots[id] = (struct slot){ 0 };
}`,
  },

  memslot_flag: {
    needs: ['read_file'],
    text: `
/* KVM_MEM_NON_COHERENT_DMA, a proposal: the first bit that is free. */
static u32 noncoherent_flag(void)
{
	int major = 0, minor = 0;

	sscanf(read_file("/proc/sys/kernel/osrelease"), "%d.%d", &major,
	       &minor);
	return major > 6 || (major == 6 && minor >= 8) ? 8 : 4;
}`,
  },

  dirty_log: {
    needs: ['want_ioctl', 'slots'],
    text: `
#define PAGES(...)	((const int[]){ __VA_ARGS__, -1 })

/* KVM_GET_DIRTY_LOG must name these pages of the slot and no others. */
static void dirty_log(int id, const int *pages, int expected)
{
	u64 count = slots[id].size / PAGE, i;
	u8 *bitmap = calloc(1, count / 8 + 8);
	struct kvm_dirty_log log = { .slot = id, .dirty_bitmap = bitmap };

	if (!want_ioctl("KVM_GET_DIRTY_LOG", expected,
			ioctl(vm, KVM_GET_DIRTY_LOG, &log)))
		for (i = 0; i < count; i++) {
			int is_dirty = bitmap[i / 8] >> i % 8 & 1;
			int must_be = *pages == (int)i;

			pages += must_be;
			if (is_dirty != must_be)
				fail("dirty log of slot %d: page %d is %sin it",
				     id, (int)i, is_dirty ? "" : "not ");
		}
	free(bitmap);
}`,
  },

  clear_dirty_log: {
    needs: ['want_ioctl'],
    text: `
static void clear_dirty_log(int id, u64 first, u32 count, int expected)
{
	u8 *bitmap = malloc(count / 8 + 8);
	struct kvm_clear_dirty_log log = { .slot = id, .num_pages = count,
		.first_page = first, .dirty_bitmap = bitmap };

	if (bitmap)
		memset(bitmap, 0xff, count / 8 + 8);
	want_ioctl("KVM_CLEAR_DIRTY_LOG", expected,
		   ioctl(vm, KVM_CLEAR_DIRTY_LOG, &log));
	free(bitmap);
}`,
  },

  manual_protect: {
    needs: ['want_ioctl'],
    text: `
static void manual_protect(u64 mode)
{
	struct kvm_enable_cap cap = { .args = { mode },
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };

	want_ioctl("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2", 0,
		   ioctl(vm, KVM_ENABLE_CAP, &cap));
}`,
  },

  memory_part: {
    needs: ['slots'],
    text: `
/* A part of the memory of a slot, counted from where the slot begins. */
static u8 *part(int id, u64 first)
{
	return slots[id].memory + slots[id].offset + first * PAGE;
}`,
  },

  pre_fault: {
    needs: ['want_ioctl', 'want', 'vcpu'],
    text: `
#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY	236
struct kvm_pre_fault_memory {
	__u64 gpa, size, flags, padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

static void pre_fault(int id, u64 gpa, u64 size, u64 left, int expected)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };
	int result;

	alarm(1);	/* up to 6.15 it may go on for ever */
	result = ioctl(vcpus[id].fd, KVM_PRE_FAULT_MEMORY, &range);
	alarm(100);
	if (!want_ioctl("KVM_PRE_FAULT_MEMORY", expected, result))
		want("bytes left to map", left, range.size);
}`,
  },
};
