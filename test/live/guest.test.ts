/** @module-tag kvm */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

const HELLO = fileURLToPath(new URL('../../build/Release/hello.elf', import.meta.url));
const QEMU_DEVICES = fileURLToPath(new URL('../../build/Release/qemu_devices.elf', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-guest-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: Uint8Array | number[] | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : Uint8Array.from(content));
  return path;
}

describe('kvm-memtype guest', () => {
  test('runs a multiboot ELF: serial output on stdout, debug-exit value as status', async () => {
    const initrd = file('module', 'what the module says');

    const result = await runCli([
      'guest',
      HELLO,
      '--cmdline',
      'exit=42',
      '--initrd',
      initrd,
      '--memory',
      '64',
    ]);

    expect(result).toMatchObject({ status: 42, stderr: '' });
    expect(result.stdout).toMatch(/^multiboot 2badb002 4d exit=42\nmemory 27f fc00 KiB\n/);
    expect(result.stdout).toContain('what the module says\n');
  });

  test.each([
    ['exit=0', [], 0],
    ['exit=3', [], 3],
    // A status has eight bits: none of these may look like success.
    ['exit=256', [], 255],
    ['exit=4294967295', [], 255],
    ['exit=0', ['--qemu-exit'], 1],
    ['exit=1', ['--qemu-exit'], 3],
    ['exit=77', ['--qemu-exit'], 155],
    ['exit=128', ['--qemu-exit'], 1],
  ])('the number at port 0xf4 becomes the status: %s %j gives %i', async (cmdline, options, status) => {
    const result = await runCli(['guest', QEMU_DEVICES, '--cmdline', cmdline, ...options]);

    expect(result).toMatchObject({ status, stderr: '' });
    expect(result.stdout).toMatch(/^signature 554d4551\n/);
  });

  test.each(['64', '64M', '65536K'])('takes %s for 64 MiB', async (memory) => {
    const { stdout } = await runCli(['guest', HELLO, '--memory', memory]);

    expect(stdout).toContain('memory 27f fc00 KiB\n');
  });

  test('more output than a pipe holds arrives whole', async () => {
    // mov $0x3f8,%dx; mov $0x48,%bx; 1: mov $0x400,%cx; 2: mov $'x',%al; out %al,(%dx); loop 2b; dec %bx; jnz 1b; hlt
    const code = [0xba, 0xf8, 0x03, 0xbb, 0x48, 0x00, 0xb9, 0x00, 0x04, 0xb0, 0x78, 0xee, 0xe2, 0xfb, 0x4b];
    const image = file('storm', [...code, 0x75, 0xf5, 0xf4]);

    const { status, stdout } = await runCli(['guest', image]);

    expect(stdout).toBe('x'.repeat(0x48 * 0x400));
    expect(status).toBe(0);
  });

  test('a loop ends with --timeout', async () => {
    const image = file('loop', [0xeb, 0xfe]);

    expect(await runCli(['guest', image, '--timeout', '1'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'kvm-memtype: the guest did not end within 1 s\n',
    });
  });

  test.each([
    [['/nonexistent'], 'there is no such file'],
    [[HELLO, '--initrd', '/nonexistent'], 'there is no such file'],
    [[HELLO, '--memory', '1'], 'a size from 2M to 3G is needed'],
    [[HELLO, '--cpus', '17'], 'a whole number from 1 to 16 is needed'],
    [[HELLO, '--cmdline', 'x'.repeat(70_000)], 'too long'],
    [
      [fileURLToPath(new URL('../../build/Release/probe.elf', import.meta.url))],
      'neither a multiboot 1 header',
    ],
  ])('bad input is one sentence and status 2: %j', async (args, message) => {
    const { status, stdout, stderr } = await runCli(['guest', ...args]);

    expect(stderr).toMatch(/^kvm-memtype: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
