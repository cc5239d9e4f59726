import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { HostMemory, Kvm } from '../../src/kvm/index.js';
import { patiently } from '../patience.js';
import { NEEDS_KVM } from '../require.js';
import { bundle } from '../support/worker.js';
import { streamed } from './byte-stream.js';
import { held } from './held.js';

const ABUSE = bundle(new URL('./buffer-abuse.ts', import.meta.url));
const HAS_TRANSFER = 'transfer' in ArrayBuffer.prototype;

function abuse(...args: string[]): { stdout: string; died: string | number | null; stderr: string } {
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--expose-gc', ABUSE, ...args], {
    encoding: 'utf8',
    timeout: patiently(120_000),
  });
  return { stdout: stdout.trim(), died: signal ?? status, stderr };
}

describe('memory stays mapped under its buffers', { timeout: patiently(150_000) }, () => {
  const cases = abuse().stdout.split('\n');
  it('has cases', () => expect(cases.length).toBeGreaterThan(8));

  it.each(cases.filter((name) => HAS_TRANSFER || name !== 'transfer'))('%s', NEEDS_KVM, (name) => {
    expect(abuse(name)).toMatchObject({ stdout: 'survived', died: 0 });
  });
});

describe('a buffer that was moved away', () => {
  it('keeps no vCPU, VM or memory', NEEDS_KVM, async () => {
    Kvm.open().close();
    const before = held();
    const kvm = Kvm.open();
    const vm = kvm.createVm();
    const vcpu = vm.createVcpu(0);
    const ram = HostMemory.memfd(0x2000);
    new Uint8Array(ram.buffer).fill(7);
    const moved = [await streamed(ram.buffer), await streamed(vcpu.runBuffer)];

    for (const handle of [kvm, vm, vcpu, ram]) handle.close();

    expect(held()).toEqual(before);
    expect(moved.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});
