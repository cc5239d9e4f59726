/* What small guests share: port I/O, and text over the first serial port. */
#ifndef SERIAL_H
#define SERIAL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

static inline void out8(u32 port, u8 value) {
  __asm__ volatile("outb %0, %w1" ::"a"(value), "Nd"(port));
}

static inline u8 in8(u32 port) {
  u8 value;
  __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void put(char c) {
  while (!(in8(COM1 + 5) & 0x20))
    ;
  out8(COM1, c);
}

static inline void print(const char *s) {
  while (*s)
    put(*s++);
}

static inline void hex(u64 value) {
  int shift = 60;
  while (shift > 0 && !((value >> shift) & 15))
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    put("0123456789abcdef"[(value >> shift) & 15]);
}

/* The number that follows "exit=" in a command line, or 0. */
static inline u32 exit_number(const char *cmdline) {
  static const char key[] = "exit=";
  u32 number = 0;
  for (const char *at = cmdline; *at; at++) {
    u32 i = 0;
    while (key[i] && at[i] == key[i])
      i++;
    if (key[i])
      continue;
    for (at += i; *at >= '0' && *at <= '9'; at++)
      number = number * 10 + *at - '0';
    break;
  }
  return number;
}

#endif
