import type { Snippets } from './types.js';

/** A guest of the guest, and steps at the same time. */
export const NESTED: Snippets = {
  ept: {
    needs: ['base'],
    text: `
#define REGIONS		(OWN + 0x200000)	/* VMXON and VMCS of a vCPU */
#define EPT		(OWN + 0x210000)	/* the guest's own EPT */

/* The guest (L1) maps an address for its own guest (L2). */
static void ept_map(u64 l2, u64 gpa, int leaf_level, int type, int ipat)
{
	static u64 end = EPT + PAGE;
	u64 *entry = NULL, table = EPT;
	int level;

	for (level = 4; level >= leaf_level; level--) {
		entry = (u64 *)(ram + table) + (l2 >> (3 + 9 * level) & 511);
		if (level == leaf_level)
			break;
		if (!*entry) {
			*entry = end | 7;
			end += PAGE;
		}
		table = *entry & ~(PAGE - 1);
	}
	*entry = gpa | 7 | type << 3 | ipat << 6 | (level == 2) << 7;
}`,
  },

  l2: {
    needs: ['ept', 'want', 'vcpu', 'op_vmxon', 'op_vmptrld', 'op_vmwrite', 'op_l2'],
    text: `
static const struct {
	u32 field;
	u64 value;
} vmcs[] = {
VMCS_FIELDS
};

/* Make a vCPU a hypervisor, once. */
static void be_hypervisor(int id)
{
	static int is_ready[VCPUS];
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = 0x3a, .data = 5 } };
	u64 region = REGIONS + id * 2 * PAGE;
	struct kvm_sregs sregs;
	u32 i;

	if (is_ready[id]++)
		return;
	if (ioctl(vcpus[id].fd, KVM_SET_MSRS, &msr) != 1)
		skip("KVM does not let the guest use VMX");
	msr.entry.index = 0x480;	/* its low half is the revision */
	must(ioctl(vcpus[id].fd, KVM_GET_MSRS, &msr), "IA32_VMX_BASIC");
	*(u32 *)(ram + region) = msr.entry.data & 0x7fffffff;
	*(u32 *)(ram + region + PAGE) = msr.entry.data & 0x7fffffff;
	must(ioctl(vcpus[id].fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cr4 |= 0x2000;		/* VMXE */
	must(ioctl(vcpus[id].fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	guest(id, op_vmxon, region, 0);
	want("vector of VMXON", -1, vcpus[id].vector);
	guest(id, op_vmptrld, region + PAGE, 0);
	want("vector of VMPTRLD", -1, vcpus[id].vector);
	for (i = 0; i < sizeof(vmcs) / sizeof(*vmcs); i++) {
		guest(id, op_vmwrite, vmcs[i].field, vmcs[i].value);
		want("vector of VMWRITE", -1, vcpus[id].vector);
	}
}

/* L2 runs until its VMCALL (18); what it leaves in EAX. */
static u32 l2(int id, const char *code, u64 address)
{
	u64 end;

	be_hypervisor(id);
	end = guest(id, op_l2, address, OWN + (code - guest_code));
	want("vector of VMRESUME", -1, vcpus[id].vector);
	want("exit reason of L2", 18, end >> 32);
	return end;
}`,
  },

  l2_leaves: {
    needs: ['leaf_store'],
    text: String.raw`
static struct leaf for_l2[64], last_change;
static u32 n_for_l2;

/* What the TDP MMU sets it has just told of as a change; the rest is for L2. */
static void set_for_l2(u64 gfn, int level, u64 entry)
{
	if (last_change.gfn == gfn && last_change.level == level &&
	    last_change.entry == entry)
		return;
	if (n_for_l2 == 64)
		die("too many leaves for L2");
	for_l2[n_for_l2++] = (struct leaf){ .gfn = gfn, .level = level,
					    .entry = entry };
	printf("  gfn 0x%llx level %d type %s, for L2\n", gfn, level,
	       text_of(entry));
}`,
  },

  l2_seen: {
    needs: ['l2_leaves'],
    text: `
/* The leaves that a step must make in KVM's shadow of the guest's EPT. */
static void l2_leaf(u64 gfn, int level, const char *text)
{
	struct leaf *leaf = find(for_l2, n_for_l2, gfn, level);
	const char *seen = leaf ? text_of(leaf->entry) : "none";

	if (strcmp(text, seen))
		fail("gfn 0x%llx level %d for L2: expected %s, seen %s", gfn,
		     level, text, seen);
	if (leaf)
		*leaf = for_l2[--n_for_l2];
}`,
  },

  no_more_l2: {
    needs: ['l2_leaves'],
    text: `
static void no_more_l2_leaves(void)
{
	while (n_for_l2--)
		fail("gfn 0x%llx level %d for L2: expected none, seen %s",
		     for_l2[n_for_l2].gfn, for_l2[n_for_l2].level,
		     text_of(for_l2[n_for_l2].entry));
	n_for_l2 = 0;
}`,
  },

  lanes: {
    needs: ['vcpu', 'op_pause'],
    text: `
/* What a vCPU does beside others: each time it waits first. */
struct lane_step {
	u64 pauses;
	const char *code;
	u64 a, b;
	int vector;		/* of the fault that it ends in, or -1 */
};

struct lane {
	int id, count, wrong;
	const struct lane_step *steps;
};

static void *run_lane(void *argument)
{
	struct lane *lane = argument;
	int i;

	for (i = 0; i < lane->count; i++) {
		const struct lane_step *step = &lane->steps[i];

		if (step->pauses)
			guest(lane->id, op_pause, step->pauses, 0);
		guest(lane->id, step->code, step->a, step->b);
		lane->wrong += vcpus[lane->id].vector != step->vector;
	}
	return NULL;
}

static pthread_t threads[VCPUS];

static void start_lanes(struct lane *lanes, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run_lane, &lanes[i]))
			die("no thread");
}

static void end_lanes(struct lane *lanes, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		if (lanes[i].wrong)
			fail("vCPU %d: %d commands ended otherwise", lanes[i].id,
			     lanes[i].wrong);
		vcpus[lanes[i].id].exits = vcpus[lanes[i].id].mmio = 0;
	}
}`,
  },
};
