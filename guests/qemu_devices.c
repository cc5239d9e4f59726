/*
 * The guest of QEMU's devices: asks fw_cfg and the test device (pc-testdev) what kvm-unit-tests ask
 * them, says the answers over the first serial port, one a line, then leaves through the debug-exit
 * port with all 32 bits of the number that follows "exit=" on its command line.
 */
#include "serial.h"

#define FW_CFG_SELECTOR 0x510
#define FW_CFG_DATA 0x511
#define TEST_DATA 0xe0
#define TEST_FLUSH 0xe4
#define TEST_IRQ 0x2000
#define TEST_MEMORY 0xff000000
#define PIC_COMMAND 0x20
#define PIC_READ_IRR 0x0a
#define PIC_LEVEL_TRIGGERED 0x4d0

static void out16(u32 port, u16 value) {
  __asm__ volatile("outw %0, %w1" ::"a"(value), "Nd"(port));
}

static void out32(u32 port, u32 value) {
  __asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port));
}

static u32 in32(u32 port) {
  u32 value;
  __asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static void line(const char *what, u64 value) {
  print(what);
  print(" ");
  hex(value);
  print("\n");
}

static u64 fw_cfg(u16 key, u32 bytes) {
  u64 value = 0;
  out16(FW_CFG_SELECTOR, key);
  for (u32 i = 0; i < bytes; i++)
    value |= (u64)in8(FW_CFG_DATA) << (8 * i);
  return value;
}

static void ask_fw_cfg(void) {
  line("signature", fw_cfg(0x00, 4));
  line("interface", fw_cfg(0x01, 4));
  line("ram size", fw_cfg(0x03, 8));
  line("cpus", fw_cfg(0x05, 2));
  line("most cpus", fw_cfg(0x0f, 2));
  line("past the end", fw_cfg(0x05, 4));
  line("files", fw_cfg(0x19, 4));
  line("unknown key", fw_cfg(0x7f, 8));
}

static void ask_test_device(void) {
  volatile u32 *memory = (volatile u32 *)TEST_MEMORY;
  volatile u32 flushed = 0x600d;
  out32(TEST_DATA, 0x11223344);
  out8(TEST_DATA + 1, 0x55);
  line("data", in32(TEST_DATA));
  line("third byte", in8(TEST_DATA + 2));
  memory[0] = 0xaabbccdd;
  *(volatile u8 *)(TEST_MEMORY + 3) = 0x99;
  memory[0x3fff] = 0x12345678;
  line("memory", memory[0]);
  line("end of memory", memory[0x3fff]);
  out32(TEST_FLUSH, (u32)&flushed);
  line("after a flush", flushed);
}

/* The first PIC, told to raise vectors from 0x20 on, shows its requests; interrupts stay off. */
static void ask_irq_lines(void) {
  static const u8 init[][2] = {
      {0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xff}};
  for (u32 i = 0; i < sizeof(init) / sizeof(init[0]); i++)
    out8(init[i][0], init[i][1]);
  out8(PIC_LEVEL_TRIGGERED, 1 << 5);
  out8(TEST_IRQ + 5, 1);
  out8(PIC_COMMAND, PIC_READ_IRR);
  line("irq 5 raised", (in8(PIC_COMMAND) >> 5) & 1);
  out8(TEST_IRQ + 5, 0);
  line("irq 5 lowered", (in8(PIC_COMMAND) >> 5) & 1);
}

void multiboot_main(u32 magic, const u32 *info) {
  (void)magic;
  ask_fw_cfg();
  ask_test_device();
  ask_irq_lines();
  out32(DEBUG_EXIT, exit_number((const char *)info[4]));
}

void pvh_main(void) {}
