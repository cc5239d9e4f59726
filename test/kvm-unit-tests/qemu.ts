import { spawn } from 'node:child_process';
import { type Case, DEFAULT_CPU, MEMORY_MIB } from './cases.js';
import type { Run } from './compare.js';

/** Seconds that an image may take. */
const TIMEOUT = 60;
/** Status of timeout(1) when it had to end what it ran. */
const TIMED_OUT = 124;

function commandLine(path: string, o: Case): string[] {
  return [
    ...['qemu-system-x86_64', '-accel', 'tcg', '-cpu', o.cpu ?? DEFAULT_CPU],
    ...['-smp', String(o.cpus ?? 1), '-m', String(o.memory ?? MEMORY_MIB)],
    ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-device', 'pc-testdev', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x4'],
    ...['-kernel', path, '-append', o.args ?? ''],
  ];
}

/** Run an image in QEMU without KVM. */
export function runInQemu(path: string, o: Case): Promise<Run> {
  const args = ['--kill-after=5', String(TIMEOUT), ...commandLine(path, o)];
  const child = spawn('timeout', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const lines = text.split('\n').map((line) => line.replace(/\r+$/, ''));
      resolve({ status: code === TIMED_OUT ? null : code, lines });
    });
  });
}
