import type { Snippets } from './types.js';

/** How leaves are seen, and held against what is expected. */
export const TRACE: Snippets = {
  pages_of: {
    needs: ['base'],
    text: `
static u64 pages_of(int level)
{
	return 1ULL << 9 * (level - 1);
}`,
  },

  leaf_store: {
    needs: ['base'],
    text: `
#define PRESENT		(1ULL << 11)	/* of an entry, in KVM's own words */
#define HUGE		(1ULL << 7)
#define WRITABLE	(1ULL << 1)
#define LEAVES		8192

/* The leaves that the trace told of, and those that there must be. */
static struct leaf {
	u64 gfn, entry;
	int level, told;
	const char *text;
} seen[LEAVES], wanted[LEAVES];
static int n_seen, n_wanted;

static int is_leaf(u64 entry, int level)
{
	return (entry & PRESENT) && (level == 1 || (entry & HUGE));
}

static int is_own(u64 gfn)
{
	return gfn >= OWN / PAGE && gfn < RAM_SIZE / PAGE;
}

/* An entry as EPT has it: bits 5:3 are the type, bit 6 is IPAT. */
static const char *text_of(u64 entry)
{
	static const char *const types[] = {
		"UC", "WC", "type 2", "type 3", "WT", "WP", "WB", "type 7"
	};
	static char text[48];

	snprintf(text, sizeof(text), "%s IPAT %d%s", types[entry >> 3 & 7],
		 (int)(entry >> 6 & 1),
		 entry & WRITABLE ? "" : " read-only");
	return text;
}

static struct leaf *find(struct leaf *leaves, int count, u64 gfn, int level)
{
	struct leaf *leaf;

	for (leaf = leaves; leaf < leaves + count; leaf++)
		if (leaf->gfn == gfn && (!level || leaf->level == level))
			return leaf;
	return NULL;
}`,
  },

  trace: {
    needs: ['leaf_store', 'write_file', 'L2_STORE', 'ALTERNATIVES', 'SPLITS'],
    text: String.raw`
static char instance[256];
static FILE *trace;

static int trace_file(const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", instance, name);
	return write_file(path, text);
}

static void start_trace(void)
{
	const char *leaf = "%s & 0x800 && (level == 1 || %s & 0x80)";
	const char *root = "/sys/kernel/tracing";
	char pid[16], filter[256], old[64], new[64], path[512];

	if (access("/sys/kernel/tracing/instances", F_OK))
		root = "/sys/kernel/debug/tracing";
	snprintf(instance, sizeof(instance), "%s/instances/repro-%d", root,
		 (int)getpid());
	if (mkdir(instance, 0700)) {
		instance[0] = 0;
		skip("no tracefs at %s: %s", root, strerror(errno));
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(old, sizeof(old), leaf, "old_spte", "old_spte");
	snprintf(new, sizeof(new), leaf, "new_spte", "new_spte");
	snprintf(filter, sizeof(filter), "%s || %s", old, new);
	trace_file("trace_clock", "global");
	trace_file("set_event_pid", pid);
	trace_file("options/event-fork", "1");
	if (trace_file("events/kvmmmu/kvm_tdp_mmu_spte_changed/filter", filter))
		skip("no trace event tells of changes by the TDP MMU");
	trace_file("events/kvmmmu/kvm_tdp_mmu_spte_changed/enable", "1");
	trace_file("events/kvmmmu/kvm_mmu_zap_all_fast/enable", "1");
L2_EVENTS
	snprintf(path, sizeof(path), "%s/trace_pipe", instance);
	trace = fdopen(must(open(path, O_RDONLY | O_NONBLOCK), path), "r");
	if (!trace)
		die("fdopen: %s", strerror(errno));
}

static void drop(u64 gfn, int level)
{
	struct leaf *leaf = find(seen, n_seen, gfn, level);

	if (leaf)
		*leaf = seen[--n_seen];
}

static void put(u64 gfn, int level, u64 entry)
{
	drop(gfn, level);
	if (n_seen == LEAVES)
		die("more than %d leaves", LEAVES);
	seen[n_seen++] = (struct leaf){ .gfn = gfn, .level = level,
					.entry = entry };
}

/* An entry changed. */
static void changed(u64 gfn, int level, u64 old, u64 new)
{
SPLIT_WORDS
	if (is_leaf(old, level)) {
		drop(gfn, level);
		if (!is_leaf(new, level) && !is_own(gfn))
			printf("  gfn 0x%llx level %d zapped\n", gfn, level);
SPLIT
	}
	if (!is_leaf(new, level))
		return;
	put(gfn, level, new);
	if (!is_own(gfn))
		printf("  gfn 0x%llx level %d type %s\n", gfn, level,
		       text_of(new));
}

static void read_line(const char *line)
{
	u64 gfn = 0, old, new = 0;
	const char *at;
	int as, level = 0;

	if (strstr(line, "LOST"))
		die("the kernel lost trace events");
	if (strstr(line, "kvm_mmu_zap_all_fast:"))
		n_seen = 0;	/* up to 6.5 a kernel thread zaps, unseen */
	at = strstr(line, "kvm_tdp_mmu_spte_changed:");
	if (at && sscanf(at, "kvm_tdp_mmu_spte_changed: as id %d gfn %llx "
			 "level %d old_spte %llx new_spte %llx",
			 &as, &gfn, &level, &old, &new) == 5 && !as)
		changed(gfn, level, old, new);
L2_LINE
}

static void read_trace(void)
{
	char line[512];

	while (fgets(line, sizeof(line), trace))
		read_line(line);
	clearerr(trace);
}

/* Hold the leaves that there are against those that there must be. */
static void check_leaves(void)
{
	struct leaf *leaf, *other;

	read_trace();
	for (leaf = wanted; leaf < wanted + n_wanted; leaf++) {
		const char *text = "none";

		other = find(seen, n_seen, leaf->gfn, leaf->level);
		if (other)
			text = text_of(other->entry);
		if (TEXT_DIFFERS && !leaf->told++)
			fail("gfn 0x%llx level %d: expected %s, seen %s",
			     leaf->gfn, leaf->level, leaf->text, text);
	}
	for (leaf = seen; leaf < seen + n_seen; leaf++) {
		if (is_own(leaf->gfn) || leaf->told ||
		    find(wanted, n_wanted, leaf->gfn, leaf->level))
			continue;
		leaf->told = 1;
		fail("gfn 0x%llx level %d: expected none, seen %s", leaf->gfn,
		     leaf->level, text_of(leaf->entry));
	}
}`,
  },

  is_among: {
    needs: ['base'],
    text: `
/* Does the text name one of those between the bars? */
static int is_among(const char *text, const char *alternatives)
{
	size_t length = strlen(text);
	const char *at = alternatives;

	while ((at = strstr(at, text))) {
		if ((at == alternatives || at[-1] == '|') &&
		    (!at[length] || at[length] == '|'))
			return 1;
		at++;
	}
	return 0;
}`,
  },

  leaf: {
    needs: ['trace', 'pages_of'],
    text: `
/* From here on there must be these leaves. */
static void leaves(u64 gfn, int count, int level, const char *text)
{
	struct leaf *leaf;

	for (; count-- > 0; gfn += pages_of(level)) {
		leaf = find(wanted, n_wanted, gfn, 0);
		if (!leaf)
			leaf = &wanted[n_wanted++];
		*leaf = (struct leaf){ .gfn = gfn, .level = level,
				       .text = text };
	}
}`,
  },

  no_leaf: {
    needs: ['trace'],
    text: `
/* From here on no leaf may begin at these pages. */
static void no_leaves(u64 gfn, int count)
{
	struct leaf *leaf = wanted;

	while (leaf < wanted + n_wanted)
		if (leaf->gfn >= gfn && leaf->gfn < gfn + count)
			*leaf = wanted[--n_wanted];
		else
			leaf++;
}`,
  },

  fixed: {
    needs: ['trace'],
    text: `
/* KVM makes a leaf writable again in place, and no event tells. */
static void made_writable(u64 gfn, int level)
{
	struct leaf *leaf = find(seen, n_seen, gfn, level);

	if (leaf)
		leaf->entry |= WRITABLE;
}`,
  },
};

/** What of the trace is about leaves that serve L2, a guest of the guest. */
export const L2_EVENTS = `	trace_file("events/kvmmmu/kvm_mmu_set_spte/filter", "spte & 0x800");
	trace_file("events/kvmmmu/kvm_mmu_set_spte/enable", "1");`;

export const L2_LINE = `	if (at)
		last_change = (struct leaf){ .gfn = gfn, .level = level,
					     .entry = new };
	at = strstr(line, "kvm_mmu_set_spte:");
	if (at && sscanf(at, "kvm_mmu_set_spte: gfn %llx spte %llx (%*[^)]) "
			 "level %d", &gfn, &new, &level) == 3 &&
	    is_leaf(new, level)) {
		set_for_l2(gfn, level, new);
		last_change.level = 0;
	}`;

/** Where a huge leaf is split nothing tells of the parts. */
export const SPLIT = `		for (i = 0; i < 512 && (new & PRESENT) && !is_leaf(new, level); i++)
			put(gfn + i * pages_of(level - 1), level - 1,
			    (level == 2 ? old & ~HUGE : old) + i * frames);`;
export const SPLIT_WORDS = `	u64 i, frames = pages_of(level - 1) * PAGE;
`;
