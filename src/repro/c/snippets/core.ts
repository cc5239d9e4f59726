import type { Snippets } from './types.js';

/** What every reproducer has: how it ends, how it complains, and memory. */
export const CORE: Snippets = {
  base: {
    text: String.raw`
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE		4096ULL
#define RAM_SIZE	0x2000000ULL	/* guest RAM is memslot 0, from 0 on */
#define OWN		0x1000000ULL	/* the guest's own pages begin here */
#define CR0		0x80010031	/* PG, WP, NE, ET, PE */
#define PML4		(OWN + 0x2000)
#define PDPT		(OWN + 0x3000)
#define DIRECTORIES	(OWN + 0x4000)	/* 8 windows of 4 directories */
FAR_DEFINE
#define STACK(id)	(OWN + 0x27000 + (id) * PAGE)	/* its top */

static int kvm, vm, at_step, failures;
static u8 *ram;
static void clean_up(void);

static void __attribute__((noreturn, format(printf, 2, 3)))
leave(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf(status == 4 ? "SKIP: " : "FAIL: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	clean_up();
	exit(status);
}

#define skip(...)	leave(4, __VA_ARGS__)
#define die(...)	leave(1, __VA_ARGS__)

static void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("  FAIL at step %d: ", at_step);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	failures++;
}

static int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

static void on_alarm(int signal)
{
	(void)signal;	/* it is enough that KVM_RUN ends */
}`,
  },

  step: {
    needs: ['base', 'CHECKS'],
    text: String.raw`
static void step(int number, const char *text)
{
CHECK_LAST
	at_step = number;
	printf("step %d: %s\n", number, text);
}`,
  },

  want: {
    needs: ['base'],
    text: `
static void want(const char *what, u64 expected, u64 seen)
{
	if (expected != seen)
		fail("%s: expected 0x%llx, seen 0x%llx", what, expected, seen);
}`,
  },

  want_ioctl: {
    needs: ['base'],
    text: `
/* An ioctl must work (0), or fail with this errno. */
static int want_ioctl(const char *what, int expected, int result)
{
	int seen = result < 0 ? errno : 0;

	if (expected != seen)
		fail("%s: expected %s, seen %s", what,
		     expected ? strerror(expected) : "success",
		     seen ? strerror(seen) : "success");
	return seen;
}`,
  },

  write_file: {
    needs: ['base'],
    text: `
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int bad = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return bad ? -1 : 0;
}`,
  },

  read_file: {
    needs: ['base'],
    text: `
/* The first word of a file; empty if there is no such file. */
static const char *read_file(const char *path)
{
	static char text[64];
	FILE *file = fopen(path, "r");

	text[0] = 0;
	if (file && fscanf(file, "%63s", text) != 1)
		text[0] = 0;
	if (file)
		fclose(file);
	return text;
}`,
  },

  ram: {
    needs: ['base'],
    text: `
/* Ordinary memory: a file's, in pages of 4 KiB. */
static u8 *plain_memory(u64 size)
{
	int fd = must(memfd_create("guest", 0), "memfd_create");
	u8 *memory;

	must(ftruncate(fd, size), "ftruncate");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap of 0x%llx bytes: %s", size, strerror(errno));
	madvise(memory, size, MADV_NOHUGEPAGE);
	close(fd);
	return memory;
}`,
  },

  huge_memory: {
    needs: ['base'],
    text: `
/* Memory in transparent huge pages, all of it there. */
static u8 *huge_memory(u64 size)
{
	const u64 huge = 1 << 21;
	static u64 wanted;
	u64 kib = 0, whole = (size + huge - 1) & -huge;
	u8 *memory = mmap(NULL, whole + huge, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[256];
	FILE *smaps;

	if (memory == MAP_FAILED)
		die("mmap of 0x%llx bytes: %s", size, strerror(errno));
	memory = (u8 *)(((u64)memory + huge - 1) & -huge);
	madvise(memory, whole, MADV_HUGEPAGE);
	memset(memory, 0, whole);
	wanted += whole;
	smaps = fopen("/proc/self/smaps_rollup", "r");
	while (smaps && fgets(line, sizeof(line), smaps))
		sscanf(line, "AnonHugePages: %llu kB", &kib);
	if (smaps)
		fclose(smaps);
	if (kib * 1024 < wanted)
		skip("this host gave %llu of %llu KiB in huge pages", kib,
		     wanted / 1024);
	return memory;
}`,
  },
};
