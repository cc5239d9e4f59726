import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { descendsFrom, hasVm, processNamed, threadsOf } from './processes.js';

const proc = mkdtempSync(join(tmpdir(), 'kvm-memtype-proc-'));
afterAll(() => rmSync(proc, { recursive: true }));

/** A process, as /proc shows it. */
function make(pid: number, o: { parent: number; program: string; vm?: boolean; threads?: number[] }): void {
  const dir = join(proc, String(pid));
  mkdirSync(join(dir, 'fd'), { recursive: true });
  writeFileSync(join(dir, 'comm'), `${o.program.slice(0, 15)}\n`);
  writeFileSync(join(dir, 'cmdline'), `/usr/bin/${o.program}\x00-m\x001G\x00`);
  for (const tid of [pid, ...(o.threads ?? [])]) {
    mkdirSync(join(dir, 'task', String(tid)), { recursive: true });
    mkdirSync(join(proc, String(tid)), { recursive: true });
    writeFileSync(
      join(proc, String(tid), 'status'),
      `Name:\tx\nTgid:\t${pid}\nPid:\t${tid}\nPPid:\t${o.parent}\n`,
    );
  }
  symlinkSync('/dev/null', join(dir, 'fd', '0'));
  if (o.vm === true) symlinkSync('anon_inode:kvm-vm', join(dir, 'fd', '5'));
}

make(1, { parent: 0, program: 'init' });
make(10, { parent: 1, program: 'sh' });
make(20, { parent: 10, program: 'qemu-system-x86_64', vm: true, threads: [21, 22] });
make(30, { parent: 1, program: 'crosvm', vm: true });
make(31, { parent: 1, program: 'crosvm', vm: true });
make(40, { parent: 1, program: 'firecracker' });

test('threads of a process, none of one that is gone', () => {
  expect(threadsOf(20, proc).sort()).toEqual([20, 21, 22]);
  expect(threadsOf(99, proc)).toEqual([]);
});

test('a process has a VM if it holds the file of one', () => {
  expect([20, 40, 99].map((pid) => hasVm(pid, proc))).toEqual([true, false, false]);
});

test('a thread belongs to its process, and to those that this one comes from', () => {
  expect([20, 10, 1, 30].map((pid) => descendsFrom(21, pid, proc))).toEqual([true, true, true, false]);
  expect(descendsFrom(99, 1, proc)).toBe(false);
});

test('a name is that of the command, also where it is cut off, or of the program’s file', () => {
  expect(processNamed('qemu-system-x86_64', proc)).toBe(20);
  expect(processNamed('qemu-system-x86', proc)).toBe(20);
});

test.each([
  ['crosvm', '2 processes called crosvm have a VM: say --pid 30 or 31'],
  ['firecracker', 'no process called firecracker has a VM of KVM'],
  ['nobody', 'no process is called nobody'],
])('%s: %s', (name, message) => {
  expect(() => processNamed(name, proc)).toThrow(message);
});
