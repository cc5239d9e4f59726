import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cpioArchive, S_IFCHR, S_IFREG } from '../../src/lab/image/cpio.js';

/** Process 1 of the inner guest: say how many CPUs there are, drain the port, power off. */
const INIT = `
static long call(long n, long a, long b, long c, long d) {
  long r;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return r;
}
/* With touch as its last argument (those before it are options that the kernel does not know): take memory, 640 KiB a second, until there is none. */
static void touch(void) {
  const long pause[2] = {0, 100000000};
  for (;;) {
    volatile char *page = (char *)call(12, 0, 0, 0, 0); /* brk */
    char *end = (char *)call(12, (long)page + 65536, 0, 0, 0);
    for (; page < end; page += 4096)
      *page = 1;
    call(35, (long)pause, 0, 0, 0);                     /* nanosleep */
  }
}
__attribute__((used)) static void start(long *stack) {
  unsigned long mask[16] = {0};
  if (((char *)stack[stack[0]])[0] == 't')
    touch();
  char text[] = "userland of the guest: ? CPUs\\n";
  call(204, 0, sizeof(mask), (long)mask, 0);          /* sched_getaffinity */
  for (text[23] = '0'; mask[0]; mask[0] &= mask[0] - 1)
    text[23]++;
  call(1, 1, (long)text, sizeof(text) - 1, 0);        /* write */
  call(16, 1, 0x5409, 1, 0);                          /* ioctl TCSBRK: drain */
  call(169, 0xfee1dead, 0x28121969, 0x4321fedc, 0);   /* reboot, power off */
  for (;;) ;
}
__asm__(".globl _start\\n_start: mov %rsp, %rdi\\ncall start");
`;

/** Make an initramfs for an inner guest in a folder: its userland says how many CPUs there are, and powers off. */
export function makeInitrd(folder: string): string {
  const init = join(folder, 'init');
  const flags = ['-O1', '-ffreestanding', '-fno-stack-protector', '-mno-sse', '-static', '-nostdlib'];
  const cc = spawnSync('cc', [...flags, '-x', 'c', '-', '-o', init], { input: INIT, encoding: 'utf8' });
  expect(cc.stderr).toBe('');
  const initrd = join(folder, 'initrd');
  const archive = cpioArchive([
    { path: '/init', mode: S_IFREG | 0o755, data: readFileSync(init) },
    { path: '/dev/console', mode: S_IFCHR | 0o600, device: [5, 1] },
  ]);
  writeFileSync(initrd, archive);
  return initrd;
}
