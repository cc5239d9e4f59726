/*
 * The hello guest: says over the first serial port what its loader handed over, then leaves through
 * the debug-exit port with the number that follows "exit=" on its command line, or 0.
 */
#include "serial.h"

struct multiboot_info {
  u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
      mmap_length, mmap_addr;
};
struct multiboot_module {
  u32 start, end, string, reserved;
};
struct __attribute__((packed)) multiboot_mmap {
  u32 size;
  u64 base, length;
  u32 type;
};

struct hvm_start_info {
  u32 magic, version, flags, nr_modules;
  u64 modlist, cmdline, rsdp, memmap;
  u32 memmap_entries, reserved;
};
struct hvm_module {
  u64 start, size, cmdline, reserved;
};
struct hvm_memmap {
  u64 base, size;
  u32 type, reserved;
};

static void line(const char *what, u64 a, u64 b, const char *text) {
  print(what);
  print(" ");
  hex(a);
  print(" ");
  hex(b);
  print(" ");
  print(text);
  print("\n");
}

static void module(u32 start, u32 size, u32 string) {
  line("module", start, size, (const char *)string);
  for (u32 i = 0; i < size && i < 64; i++)
    put(((const char *)start)[i]);
  print("\n");
}

void multiboot_main(u32 magic, const struct multiboot_info *info) {
  const char *cmdline = info->flags & 4 ? (const char *)info->cmdline : "";
  line("multiboot", magic, info->flags, cmdline);
  line("memory", info->mem_lower, info->mem_upper, "KiB");
  for (u32 at = info->mmap_addr; at < info->mmap_addr + info->mmap_length;) {
    const struct multiboot_mmap *m = (const struct multiboot_mmap *)at;
    line("range", m->base, m->length, m->type == 1 ? "ram" : "reserved");
    at += m->size + 4;
  }
  const struct multiboot_module *mods = (const struct multiboot_module *)info->mods_addr;
  for (u32 i = 0; i < info->mods_count; i++)
    module(mods[i].start, mods[i].end - mods[i].start, mods[i].string);
  out8(DEBUG_EXIT, exit_number(cmdline));
}

void pvh_main(const struct hvm_start_info *info) {
  const char *cmdline = info->cmdline ? (const char *)(u32)info->cmdline : "";
  line("pvh", info->magic, info->version, cmdline);
  const struct hvm_memmap *map = (const struct hvm_memmap *)(u32)info->memmap;
  for (u32 i = 0; i < info->memmap_entries; i++)
    line("range", map[i].base, map[i].size, map[i].type == 1 ? "ram" : "reserved");
  const struct hvm_module *mods = (const struct hvm_module *)(u32)info->modlist;
  for (u32 i = 0; i < info->nr_modules; i++)
    module(mods[i].start, mods[i].size, mods[i].cmdline ? mods[i].cmdline : (u32) "");
  out8(DEBUG_EXIT, exit_number(cmdline));
}
