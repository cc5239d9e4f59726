import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DirtyRing } from '../../src/kvm/layout/dirty-ring.js';
import { decodeEvents, encodeEvents } from '../../src/kvm/layout/events.js';
import { KvmRun } from '../../src/kvm/layout/kvm-run.js';
import {
  decodeDebugRegs,
  decodeRegs,
  decodeSregs,
  encodeDebugRegs,
  encodeRegs,
  encodeSregs,
} from '../../src/kvm/layout/registers.js';
import {
  decodeCpuid,
  decodeMsrList,
  decodeMsrValues,
  encodeCpuid,
  encodeMsrs,
} from '../../src/kvm/layout/tables.js';
import { encodeCap, encodeMsrFilter, encodeRouting, encodeZone } from '../../src/kvm/layout/vm-structs.js';

/** The samples of test/support/layout.c, compiled against this machine's <linux/kvm.h>. */
function compileSamples(): Map<string, Uint8Array> {
  const source = fileURLToPath(new URL('../support/layout.c', import.meta.url));
  const dir = mkdtempSync(join(tmpdir(), 'kvm-memtype-layout-'));
  try {
    const program = join(dir, 'layout');
    execFileSync('cc', ['-Wall', '-Wextra', '-Wno-override-init', '-o', program, source], { stdio: 'pipe' });
    const lines = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [name = '', hex = ''] = line.split(' ');
        return [name, Uint8Array.from(Buffer.from(hex, 'hex'))];
      }),
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const samples = compileSamples();

function sample(name: string): Uint8Array {
  const bytes = samples.get(name);
  if (bytes === undefined) throw new Error(`layout.c has no sample ${name}`);
  return bytes;
}

/** A copy in a buffer of its own, as a mapping is. */
const bufferOf = (name: string): ArrayBuffer => Uint8Array.from(sample(name)).buffer;
const runOf = (name: string): KvmRun => new KvmRun(bufferOf(`run:${name}`));

/** `{ a: 1n, b: 2n, … }` for names in order. */
const counted = (names: string, from = 1): Record<string, bigint> =>
  Object.fromEntries(names.split(' ').map((name, i) => [name, BigInt(from + i)]));

const segment = (i: number): unknown => ({
  base: BigInt(0x100 + i),
  limit: 0x200 + i,
  selector: 0x300 + i,
  ...Object.fromEntries(
    'type present dpl db s l g avl unusable'.split(' ').map((name, f) => [name, 1 + f + i]),
  ),
});

const SREGS = {
  ...Object.fromEntries('cs ds es fs gs ss tr ldt'.split(' ').map((name, i) => [name, segment(i)])),
  gdt: { base: 0x400n, limit: 0x401 },
  idt: { base: 0x500n, limit: 0x501 },
  ...{ cr0: 0x600n, cr2: 0x602n, cr3: 0x603n, cr4: 0x604n, cr8: 0x608n, efer: 0x60en, apicBase: 0x60an },
  interruptBitmap: [0x700n, 0x701n, 0x702n, 0x703n],
};

const EVENTS = {
  exception: { injected: 1, nr: 2, hasErrorCode: 3, pending: 4, errorCode: 5 },
  interrupt: { injected: 6, nr: 7, soft: 8, shadow: 9 },
  nmi: { injected: 10, pending: 11, masked: 12 },
  sipiVector: 13,
  flags: 14,
  smi: { smm: 15, pending: 16, smmInsideNmi: 17, latchedInit: 18 },
  tripleFaultPending: 19,
  exceptionHasPayload: 20,
  exceptionPayload: 21n,
};

describe('structs are where <linux/kvm.h> has them', () => {
  it('reads and writes registers and events', () => {
    const regs = counted('rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags');

    expect(decodeRegs(sample('regs'))).toEqual(regs);
    expect(encodeRegs(decodeRegs(sample('regs')))).toEqual(sample('regs'));
    expect(decodeSregs(sample('sregs'))).toEqual(SREGS);
    expect(encodeSregs(decodeSregs(sample('sregs')))).toEqual(sample('sregs'));
    const debug = { dr0: 1n, dr1: 2n, dr2: 3n, dr3: 4n, dr6: 6n, dr7: 7n, flags: 8n };
    expect(decodeDebugRegs(sample('debugregs'))).toEqual(debug);
    expect(encodeDebugRegs(debug)).toEqual(sample('debugregs'));
    expect(decodeEvents(sample('events'))).toEqual(EVENTS);
    expect(encodeEvents(decodeEvents(sample('events')))).toEqual(sample('events'));
  });

  it('reads and writes CPUID and MSRs', () => {
    const leaf = { function: 1, index: 2, flags: 3, eax: 4, ebx: 5, ecx: 6, edx: 7 };

    expect(decodeCpuid(sample('cpuid'))).toEqual([leaf]);
    expect(encodeCpuid([leaf])).toEqual(sample('cpuid'));
    expect(encodeMsrs([{ index: 0x277, value: 0x606n }])).toEqual(sample('msrs'));
    expect(decodeMsrValues(sample('msrs'), 1)).toEqual([0x606n]);
    expect(decodeMsrList(sample('msr-list'))).toEqual([0x277]);
  });

  it('writes filters, capabilities, zones and routes', () => {
    const empty = { flags: 0, base: 0, nmsrs: 0, bitmap: new Uint8Array(0) };
    const range = { flags: 3, base: 0x200, nmsrs: 9, bitmap: Uint8Array.of(0xff, 1) };
    const routes = [
      { gsi: 4, type: 'irqchip', irqchip: 2, pin: 9 },
      { gsi: 5, type: 'msi', address: 0x1_fee0_0000n, data: 0x40 },
    ] as const;

    expect(encodeMsrFilter({ flags: 1, ranges: [empty, range] }).filter).toEqual(sample('filter'));
    expect(encodeCap(213, [0x10n, 0x11n, 0x12n, 0x13n], 7)).toEqual(sample('cap'));
    expect(encodeZone(0x1000n, 16, true)).toEqual(sample('zone'));
    expect(encodeRouting(routes)).toEqual(sample('routing'));
  });

  it('takes dirty pages out of the ring', () => {
    expect(new DirtyRing(bufferOf('dirty-gfn')).collect()).toEqual([{ slot: 0x10007, offset: 3 }]);
  });

  it('reads the head of kvm_run', () => {
    const run = runOf('head');

    expect([run.readyForInterruptInjection, run.ifFlag, run.flags, run.cr8, run.apicBase]).toEqual([
      1,
      2,
      3,
      4n,
      5n,
    ]);
    expect(decodeRegs(run.syncRegs().slice(0, 144)).rax).toBe(8n);
  });

  const exits: [name: string, exit: unknown][] = [
    ['io', { direction: 'out', port: 0x3f8, size: 2, count: 2, data: [0x1111, 0x2222] }],
    ['mmio', { address: 0x1_0000_0001n, length: 4, isWrite: true, data: [1, 2, 3, 4] }],
    ['wrmsr', { index: 0x2ff, reason: 4, data: 0xc06n }],
    ['internal-error', { suberror: 1, data: [5n, 6n] }],
    ['fail-entry', { hardwareReason: 0x80000021n, cpu: 3 }],
    ['exception', { exception: 6, errorCode: 7 }],
    ['system-event', { type: 2, data: [9n] }],
    ['hypercall', { nr: 12n, args: [1n, 2n, 3n, 4n, 5n, 6n], longmode: true }],
    ['debug', { exception: 1, pc: 2n, dr6: 3n, dr7: 4n }],
    ['ioapic-eoi', { vector: 0x31 }],
    ['notify', { flags: 1 }],
    ...(samples.has('run:memory-fault')
      ? ([['memory-fault', { flags: 8n, gpa: 0x1000n, size: 0x2000n }]] as [string, unknown][])
      : []),
  ];
  it.each(exits)('reads the exit %s', (name, exit) => {
    expect(runOf(name).exit()).toEqual({ kind: name, ...(exit as object) });
  });

  it('writes answers into kvm_run', () => {
    const answers: [name: string, set: (run: KvmRun) => void][] = [
      ['wrmsr', (run) => Object.assign(run, { msrError: true, msrData: 0xc06n })],
      ['hypercall', (run) => Object.assign(run, { hypercallRet: 13n })],
      [
        'head',
        (run) => Object.assign(run, { cr8: 4n, requestInterruptWindow: true, validRegs: 6n, dirtyRegs: 7n }),
      ],
    ];
    for (const [name, set] of answers) {
      const buffer = bufferOf(`run:${name}`);
      set(new KvmRun(buffer));
      expect(new Uint8Array(buffer)).toEqual(sample(`run:${name}`));
    }
  });

  const sizes: [name: string, size: number][] = [
    ['sync-regs', 2048],
    ['irqchip', 520],
    ['pit2', 112],
    ['fpu', 416],
    ['lapic', 1024],
    ['xcrs', 392],
  ];
  it.each(sizes)('struct %s has %i bytes', (name, size) => {
    expect(new DataView(bufferOf(`size:${name}`)).getUint32(0, true)).toBe(size);
  });
});
