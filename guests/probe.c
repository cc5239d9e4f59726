/* The probe guest: an interpreter that runs the VMM's batches of commands and records every fault.
 */
#include "probe.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

struct entry {
  u16 op;
  u16 width;
  u32 status;
  u64 a;
  u64 b;
  u64 value;
  u64 extra;
  u64 cr2;
  u64 rip;
  u32 error_code;
  u32 vector;
};

struct mailbox {
  u32 magic;
  u32 count;
  u32 done;
  u32 reserved;
  u64 saved_rsp;
  u64 reserved2[5];
  struct entry entries[PROBE_MAX_COMMANDS];
};

struct fault_frame {
  u64 vector;
  u64 error_code;
  u64 rip;
};

#define AT(type, field, offset)                                                                    \
  _Static_assert(__builtin_offsetof(struct type, field) == (offset), #type "." #field)
AT(mailbox, magic, PROBE_MAILBOX_MAGIC);
AT(mailbox, count, PROBE_MAILBOX_COUNT);
AT(mailbox, done, PROBE_MAILBOX_DONE);
AT(mailbox, saved_rsp, PROBE_MAILBOX_SAVED_RSP);
AT(mailbox, entries, PROBE_MAILBOX_ENTRIES);
AT(entry, op, PROBE_ENTRY_OP);
AT(entry, width, PROBE_ENTRY_WIDTH);
AT(entry, status, PROBE_ENTRY_STATUS);
AT(entry, a, PROBE_ENTRY_A);
AT(entry, b, PROBE_ENTRY_B);
AT(entry, value, PROBE_ENTRY_VALUE);
AT(entry, extra, PROBE_ENTRY_EXTRA);
AT(entry, cr2, PROBE_ENTRY_CR2);
AT(entry, rip, PROBE_ENTRY_RIP);
AT(entry, error_code, PROBE_ENTRY_ERROR_CODE);
AT(entry, vector, PROBE_ENTRY_VECTOR);
_Static_assert(sizeof(struct entry) == PROBE_ENTRY_SIZE, "entry size");
_Static_assert(sizeof(struct mailbox) <= PROBE_BLOCK_SIZE / 2, "mailbox fits its page");

/* A field of the VMCS, for reading why a VMX instruction failed and why L2 ended. */
#define VMCS_INSTRUCTION_ERROR 0x4400
#define VMCS_EXIT_REASON 0x4402
#define CR4_VMXE 0x2000
#define INVEPT_SINGLE_CONTEXT 1

void probe_guarded(struct mailbox *m, struct entry *e);
/* Run L2 until it exits: whether it was entered, and its RAX. */
u32 probe_l2(u64 address, const char *code, u64 *rax);
extern const char probe_l2_read[], probe_l2_write[];

static u64 load(u64 address, u16 width) {
  switch (width) {
  case 1:
    return *(volatile u8 *)address;
  case 2:
    return *(volatile u16 *)address;
  case 4:
    return *(volatile u32 *)address;
  default:
    return *(volatile u64 *)address;
  }
}

static void store(u64 address, u16 width, u64 value) {
  switch (width) {
  case 1:
    *(volatile u8 *)address = value;
    break;
  case 2:
    *(volatile u16 *)address = value;
    break;
  case 4:
    *(volatile u32 *)address = value;
    break;
  default:
    *(volatile u64 *)address = value;
  }
}

static u64 rdtsc(void) {
  u32 lo, hi;
  __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
  return lo | (u64)hi << 32;
}

static u64 read_cr(u64 number) {
  u64 value = 0;
  if (number == 0)
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
  else if (number == 3)
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
  else
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
  return value;
}

static void write_cr(u64 number, u64 value) {
  if (number == 0)
    __asm__ volatile("mov %0, %%cr0" ::"r"(value) : "memory");
  else if (number == 3)
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
  else
    __asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}

/* Wait for everything before, `after` among it: MOV to CR2 serializes, never exits, and KVM's
 * instruction emulator, which runs this guest on hosts without VT-x, knows it (it knows no fence).
 */
static void serialize(u64 after) { __asm__ volatile("mov %0, %%cr2" ::"r"(after) : "memory"); }

static void timed_read(struct entry *e) {
  serialize(0);
  u64 start = rdtsc();
  u64 value = load(e->a, e->width);
  serialize(value);
  e->extra = rdtsc() - start;
  e->value = value;
}

/* Bochs' magic breakpoint: whoever debugs the machine looks. On any other machine this does
 * nothing. */
static void stand_still(u64 address, u64 why) {
  __asm__ volatile("xchg %%bx, %%bx" ::"b"(address), "c"(why) : "memory");
}

/* Read a page that is mapped, by a walk that the emulator looks at. The first read keeps KVM's
 * faults out of it. */
static void witnessed_read(struct entry *e) {
  load(e->a, e->width);
  stand_still(e->a, PROBE_WITNESS_BEGIN);
  __asm__ volatile("invlpg (%0)" ::"r"(e->a) : "memory");
  e->value = load(e->a, e->width);
  stand_still(e->a, PROBE_WITNESS_END);
}

static u64 vmread(u64 field) {
  u64 value;
  __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
  return value;
}

/* Be a hypervisor: run one VMX instruction, or L2, as L1 of a KVM that nests. */
static int vmx_command(struct entry *e) {
  struct {
    u64 eptp, reserved;
  } invept = {e->a, 0};
  u8 failed = 0;
  switch (e->op) {
  case PROBE_OP_VMXON:
    write_cr(4, read_cr(4) | CR4_VMXE);
    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(e->a) : "memory");
    break;
  case PROBE_OP_VMPTRLD:
    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(e->a) : "memory");
    if (!failed)
      __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(e->a) : "memory");
    break;
  case PROBE_OP_VMWRITE:
    __asm__ volatile("vmwrite %2, %1" : "=@ccbe"(failed) : "r"(e->a), "r"(e->b) : "memory");
    break;
  case PROBE_OP_INVEPT:
    __asm__ volatile("invept %1, %2"
                     : "=@ccbe"(failed)
                     : "m"(invept), "r"((u64)INVEPT_SINGLE_CONTEXT)
                     : "memory");
    break;
  case PROBE_OP_L2_READ:
  case PROBE_OP_L2_WRITE:
    failed = !probe_l2(e->a, e->op == PROBE_OP_L2_READ ? probe_l2_read : probe_l2_write, &e->value);
    if (!failed)
      e->extra = vmread(VMCS_EXIT_REASON);
    break;
  default:
    return 0;
  }
  e->status = failed ? PROBE_STATUS_VMFAIL : PROBE_STATUS_OK;
  if (failed && e->op != PROBE_OP_VMXON)
    e->value = vmread(VMCS_INSTRUCTION_ERROR);
  return 1;
}

/* Fill in the result of one command. Called through probe_guarded(): any line may fault. */
void probe_command(struct entry *e) {
  u32 lo, hi, c, d;
  switch (e->op) {
  case PROBE_OP_RDMSR:
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"((u32)e->a));
    e->value = lo | (u64)hi << 32;
    break;
  case PROBE_OP_WRMSR:
    __asm__ volatile("wrmsr" ::"c"((u32)e->a), "a"((u32)e->b), "d"((u32)(e->b >> 32)) : "memory");
    break;
  case PROBE_OP_READ:
    e->value = load(e->a, e->width);
    break;
  case PROBE_OP_WRITE:
    store(e->a, e->width, e->b);
    break;
  case PROBE_OP_FETCH:
    /* The VMM has put a `ret` there. */
    __asm__ volatile("call *%0" ::"r"(e->a) : "memory");
    break;
  case PROBE_OP_CLFLUSH:
    __asm__ volatile("clflush (%0)" ::"r"(e->a) : "memory");
    break;
  case PROBE_OP_TIMED_READ:
    timed_read(e);
    break;
  case PROBE_OP_WBINVD:
    __asm__ volatile("wbinvd" ::: "memory");
    break;
  case PROBE_OP_INVLPG:
    __asm__ volatile("invlpg (%0)" ::"r"(e->a) : "memory");
    break;
  case PROBE_OP_READ_CR:
    e->value = read_cr(e->a);
    break;
  case PROBE_OP_WRITE_CR:
    write_cr(e->a, e->b);
    break;
  case PROBE_OP_CPUID:
    __asm__ volatile("cpuid"
                     : "=a"(lo), "=b"(hi), "=c"(c), "=d"(d)
                     : "a"((u32)e->a), "c"((u32)e->b));
    e->value = lo | (u64)hi << 32;
    e->extra = c | (u64)d << 32;
    break;
  case PROBE_OP_PAUSE:
    for (u64 left = e->a; left > 0; left--)
      __asm__ volatile("pause");
    break;
  case PROBE_OP_WITNESS:
    witnessed_read(e);
    break;
  default:
    if (!vmx_command(e))
      e->status = PROBE_STATUS_BAD_OP;
    return;
  }
  e->status = PROBE_STATUS_OK;
}

/* Record a fault in the entry that is being run. */
void probe_fault(struct fault_frame *f, struct mailbox *m, u64 cr2) {
  struct entry *e = &m->entries[m->done];
  e->vector = f->vector;
  e->error_code = f->error_code;
  e->rip = f->rip;
  e->cr2 = cr2;
  e->status = PROBE_STATUS_FAULT;
}

/* Run one batch: every entry, whatever happens to the ones before it. */
void probe_batch(struct mailbox *m) {
  u32 count = m->count;
  if (m->magic != PROBE_MAGIC || count > PROBE_MAX_COMMANDS)
    count = 0;
  for (m->done = 0; m->done < count; m->done++)
    probe_guarded(m, &m->entries[m->done]);
}
