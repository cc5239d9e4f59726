// Samples of the kernel's structs, each field with a value of its own, as this machine's
// <linux/kvm.h> lays them out: one line of hexadecimal per struct. test/live/kvm-layout.test.ts has
// our TypeScript read or make the same.
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// Headers before 6.8 have no such exit; it is a part of the union like any other.
#ifndef KVM_EXIT_MEMORY_FAULT
#define NO_MEMORY_FAULT
#endif

static void emit(const char *name, const void *bytes, size_t size) {
  printf("%s ", name);
  for (size_t i = 0; i < size; i++) {
    printf("%02x", ((const unsigned char *)bytes)[i]);
  }
  printf("\n");
}

#define EMIT(name, type, ...)                                                                      \
  do {                                                                                             \
    type sample;                                                                                   \
    memset(&sample, 0, sizeof(sample));                                                            \
    __VA_ARGS__;                                                                                   \
    emit(name, &sample, sizeof(sample));                                                           \
  } while (0)

static void registers(void) {
  EMIT("regs", struct kvm_regs,
       sample = ((struct kvm_regs){.rax = 1,
                                   .rbx = 2,
                                   .rcx = 3,
                                   .rdx = 4,
                                   .rsi = 5,
                                   .rdi = 6,
                                   .rsp = 7,
                                   .rbp = 8,
                                   .r8 = 9,
                                   .r9 = 10,
                                   .r10 = 11,
                                   .r11 = 12,
                                   .r12 = 13,
                                   .r13 = 14,
                                   .r14 = 15,
                                   .r15 = 16,
                                   .rip = 17,
                                   .rflags = 18}));
  EMIT("sregs", struct kvm_sregs, {
    struct kvm_segment *segments[] = {&sample.cs, &sample.ds, &sample.es, &sample.fs,
                                      &sample.gs, &sample.ss, &sample.tr, &sample.ldt};
    for (unsigned i = 0; i < 8; i++) {
      *segments[i] = (struct kvm_segment){.base = 0x100 + i,
                                          .limit = 0x200 + i,
                                          .selector = 0x300 + i,
                                          .type = 1 + i,
                                          .present = 2 + i,
                                          .dpl = 3 + i,
                                          .db = 4 + i,
                                          .s = 5 + i,
                                          .l = 6 + i,
                                          .g = 7 + i,
                                          .avl = 8 + i,
                                          .unusable = 9 + i};
    }
    sample.gdt = (struct kvm_dtable){.base = 0x400, .limit = 0x401};
    sample.idt = (struct kvm_dtable){.base = 0x500, .limit = 0x501};
    sample.cr0 = 0x600, sample.cr2 = 0x602, sample.cr3 = 0x603, sample.cr4 = 0x604,
    sample.cr8 = 0x608;
    sample.efer = 0x60e, sample.apic_base = 0x60a;
    for (unsigned i = 0; i < 4; i++) {
      sample.interrupt_bitmap[i] = 0x700 + i;
    }
  });
  EMIT("debugregs", struct kvm_debugregs, {
    for (unsigned i = 0; i < 4; i++) {
      sample.db[i] = 1 + i;
    }
    sample.dr6 = 6, sample.dr7 = 7, sample.flags = 8;
  });
  EMIT("events", struct kvm_vcpu_events, {
    sample.exception.injected = 1, sample.exception.nr = 2, sample.exception.has_error_code = 3;
    sample.exception.pending = 4, sample.exception.error_code = 5;
    sample.interrupt.injected = 6, sample.interrupt.nr = 7, sample.interrupt.soft = 8,
    sample.interrupt.shadow = 9;
    sample.nmi.injected = 10, sample.nmi.pending = 11, sample.nmi.masked = 12;
    sample.sipi_vector = 13, sample.flags = 14;
    sample.smi.smm = 15, sample.smi.pending = 16, sample.smi.smm_inside_nmi = 17,
    sample.smi.latched_init = 18;
    sample.triple_fault.pending = 19, sample.exception_has_payload = 20,
    sample.exception_payload = 21;
  });
}

static void tables(void) {
  EMIT(
      "cpuid",
      struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entry;
      },
      {
        sample.head.nent = 1;
        sample.entry = (struct kvm_cpuid_entry2){
            .function = 1, .index = 2, .flags = 3, .eax = 4, .ebx = 5, .ecx = 6, .edx = 7};
      });
  EMIT(
      "msrs",
      struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
      },
      {
        sample.head.nmsrs = 1;
        sample.entry = (struct kvm_msr_entry){.index = 0x277, .data = 0x606};
      });
  EMIT(
      "msr-list",
      struct {
        struct kvm_msr_list head;
        __u32 index;
      },
      sample.head.nmsrs = 1, sample.index = 0x277);
  EMIT("filter", struct kvm_msr_filter, {
    sample.flags = 1;
    sample.ranges[1] = (struct kvm_msr_filter_range){.flags = 3, .nmsrs = 9, .base = 0x200};
  });
  EMIT("cap", struct kvm_enable_cap, {
    sample.cap = 213, sample.flags = 7;
    for (unsigned i = 0; i < 4; i++) {
      sample.args[i] = 0x10 + i;
    }
  });
  EMIT("zone", struct kvm_coalesced_mmio_zone, sample.addr = 0x1000, sample.size = 16,
       sample.pio = 1);
  EMIT(
      "routing",
      struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[2];
      },
      {
        sample.head.nr = 2;
        sample.entries[0] =
            (struct kvm_irq_routing_entry){.gsi = 4, .type = KVM_IRQ_ROUTING_IRQCHIP};
        sample.entries[0].u.irqchip.irqchip = 2, sample.entries[0].u.irqchip.pin = 9;
        sample.entries[1] = (struct kvm_irq_routing_entry){.gsi = 5, .type = KVM_IRQ_ROUTING_MSI};
        sample.entries[1].u.msi.address_lo = 0xfee00000, sample.entries[1].u.msi.data = 0x40;
        sample.entries[1].u.msi.address_hi = 1;
      });
  EMIT("dirty-gfn", struct kvm_dirty_gfn, sample.flags = 1, sample.slot = 0x10007,
       sample.offset = 3);
}

/** kvm_run with one exit: PIO data, where there are any, lie behind it. */
static void exitOf(const char *name, unsigned reason, void (*fill)(struct kvm_run *run)) {
  struct {
    struct kvm_run run;
    unsigned char behind[64];
  } page;
  memset(&page, 0, sizeof(page));
  page.run.exit_reason = reason;
  fill(&page.run);
  emit(name, &page, sizeof(page));
}

static void head(struct kvm_run *run) {
  run->ready_for_interrupt_injection = 1, run->if_flag = 2, run->flags = 3, run->cr8 = 4,
  run->apic_base = 5;
  run->request_interrupt_window = 1, run->kvm_valid_regs = 6, run->kvm_dirty_regs = 7;
  run->s.regs.regs.rax = 8;
}
static void io(struct kvm_run *run) {
  run->io.direction = 1, run->io.size = 2, run->io.port = 0x3f8, run->io.count = 2,
  run->io.data_offset = sizeof(*run);
  memcpy((char *)run + sizeof(*run), "\x11\x11\x22\x22", 4);
}
static void mmio(struct kvm_run *run) {
  run->mmio.phys_addr = 0x100000001, run->mmio.len = 4, run->mmio.is_write = 1;
  memcpy(run->mmio.data, "\1\2\3\4", 4);
}
static void msr(struct kvm_run *run) {
  run->msr.error = 1, run->msr.reason = 4, run->msr.index = 0x2ff, run->msr.data = 0xc06;
}
static void internalError(struct kvm_run *run) {
  run->internal.suberror = 1, run->internal.ndata = 2, run->internal.data[0] = 5,
  run->internal.data[1] = 6;
}
static void failEntry(struct kvm_run *run) {
  run->fail_entry.hardware_entry_failure_reason = 0x80000021, run->fail_entry.cpu = 3;
}
static void exception(struct kvm_run *run) { run->ex.exception = 6, run->ex.error_code = 7; }
static void systemEvent(struct kvm_run *run) {
  run->system_event.type = 2, run->system_event.ndata = 1, run->system_event.data[0] = 9;
}
static void hypercall(struct kvm_run *run) {
  run->hypercall.nr = 12, run->hypercall.longmode = 1, run->hypercall.ret = 13;
  for (unsigned i = 0; i < 6; i++) {
    run->hypercall.args[i] = 1 + i;
  }
}
static void debug(struct kvm_run *run) {
  run->debug.arch.exception = 1, run->debug.arch.pc = 2, run->debug.arch.dr6 = 3,
  run->debug.arch.dr7 = 4;
}
static void eoi(struct kvm_run *run) { run->eoi.vector = 0x31; }
static void notify(struct kvm_run *run) { run->notify.flags = 1; }
#ifndef NO_MEMORY_FAULT
static void memoryFault(struct kvm_run *run) {
  run->memory_fault.flags = 8, run->memory_fault.gpa = 0x1000, run->memory_fault.size = 0x2000;
}
#endif

static void exits(void) {
  exitOf("run:head", KVM_EXIT_HLT, head);
  exitOf("run:io", KVM_EXIT_IO, io);
  exitOf("run:mmio", KVM_EXIT_MMIO, mmio);
  exitOf("run:wrmsr", KVM_EXIT_X86_WRMSR, msr);
  exitOf("run:internal-error", KVM_EXIT_INTERNAL_ERROR, internalError);
  exitOf("run:fail-entry", KVM_EXIT_FAIL_ENTRY, failEntry);
  exitOf("run:exception", KVM_EXIT_EXCEPTION, exception);
  exitOf("run:system-event", KVM_EXIT_SYSTEM_EVENT, systemEvent);
  exitOf("run:hypercall", KVM_EXIT_HYPERCALL, hypercall);
  exitOf("run:debug", KVM_EXIT_DEBUG, debug);
  exitOf("run:ioapic-eoi", KVM_EXIT_IOAPIC_EOI, eoi);
  exitOf("run:notify", KVM_EXIT_NOTIFY, notify);
#ifndef NO_MEMORY_FAULT
  exitOf("run:memory-fault", KVM_EXIT_MEMORY_FAULT, memoryFault);
#endif
}

int main(void) {
  registers();
  tables();
  exits();
  EMIT("size:sync-regs", unsigned, sample = sizeof(((struct kvm_run *)0)->s));
  EMIT("size:irqchip", unsigned, sample = sizeof(struct kvm_irqchip));
  EMIT("size:pit2", unsigned, sample = sizeof(struct kvm_pit_state2));
  EMIT("size:fpu", unsigned, sample = sizeof(struct kvm_fpu));
  EMIT("size:lapic", unsigned, sample = sizeof(struct kvm_lapic_state));
  EMIT("size:xcrs", unsigned, sample = sizeof(struct kvm_xcrs));
  return 0;
}
