/** @module-tag kvm */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { KVM_CAP_DIRTY_LOG_RING, Kvm, type Vm } from '../../src/kvm/index.js';
import { Pc, type PcEnd, type PcOptions } from '../../src/vmm/index.js';

const MIB = 2 ** 20;
const HELLO = readFileSync(new URL('../../build/Release/hello.elf', import.meta.url));
const QEMU_DEVICES = readFileSync(new URL('../../build/Release/qemu_devices.elf', import.meta.url));
const kvm = Kvm.open();
afterAll(() => kvm.close());

/** Run a guest to its end, for at most five seconds. */
function run(o: Partial<PcOptions> & Pick<PcOptions, 'image'>): { end: PcEnd | undefined; text: string } {
  let text = '';
  const onSerial = (byte: number) => {
    text += String.fromCharCode(byte);
  };
  const pc = Pc.create(kvm, { memory: 16 * MIB, onSerial, ...o });
  try {
    let end: PcEnd | undefined;
    for (const start = Date.now(); !end && Date.now() - start < 5000; ) end = pc.runSlice();
    return { end, text };
  } finally {
    pc.close();
  }
}

describe('what the guest finds', () => {
  const MTRRS: [PcOptions['mtrrs'], bigint][] = [
    [undefined, 0x806n],
    ['firmware', 0x806n],
    ['reset', 0n],
  ];
  test.each(MTRRS)('MTRRs with mtrrs: %s', (mtrrs, defType) => {
    using pc = Pc.create(kvm, {
      image: HELLO,
      memory: 16 * MIB,
      cpus: 2,
      onSerial: () => {},
      ...(mtrrs && { mtrrs }),
    });

    expect(pc.machine.vcpus.map((vcpu) => vcpu.getMsrs([0x2ff])[0])).toEqual([defType, defType]);
  });

  test('a VM that the caller has prepared', () => {
    const prepare = (vm: Vm) => void vm.enableCap(KVM_CAP_DIRTY_LOG_RING, [4096n]);
    using pc = Pc.create(kvm, { image: HELLO, memory: 16 * MIB, onSerial: () => {}, prepare });

    expect(pc.machine.vcpus[0]?.dirtyRing().collect()).toEqual([]);
  });
});

/** The hello guest without its multiboot header: the PVH note is left. */
function pvhOnly(): Buffer {
  const file = Buffer.from(HELLO);
  file.writeUInt32LE(0, file.indexOf(Buffer.from([0x02, 0xb0, 0xad, 0x1b])));
  return file;
}

describe('multiboot', () => {
  test('hands over command line, memory map and module; the debug-exit value comes back', () => {
    const { end, text } = run({ image: HELLO, cmdline: 'one exit=7', initrd: Buffer.from('a module') });

    expect(end).toEqual({ kind: 'debug-exit', value: 7 });
    const lines = text.split('\n');
    expect(lines[0]).toBe('multiboot 2badb002 4d one exit=7');
    expect(lines[1]).toBe('memory 27f 3c00 KiB');
    expect(lines).toContain('range 0 9fc00 ram');
    expect(lines).toContain('range 100000 f00000 ram');
    expect(lines).toContain('a module');
  });

  test('PVH likewise', () => {
    const { end, text } = run({ image: pvhOnly(), cmdline: 'exit=3', initrd: Buffer.from('x') });

    expect(end).toEqual({ kind: 'debug-exit', value: 3 });
    expect(text.split('\n')[0]).toBe('pvh 336ec578 1 exit=3');
    expect(text).toContain('range 100000 f00000 ram\n');
    expect(text).toContain('\nx\n');
  });
});

test('the devices of QEMU that kvm-unit-tests ask for answer as theirs do', () => {
  const { end, text } = run({ image: QEMU_DEVICES, cpus: 3, cmdline: 'exit=305419896' });

  expect(text.split('\n')).toEqual([
    'signature 554d4551',
    'interface 1',
    'ram size 1000000',
    'cpus 3',
    'most cpus 3',
    'past the end 3',
    'files 0',
    'unknown key 0',
    'data 11225544',
    'third byte 22',
    'memory 99bbccdd',
    'end of memory 12345678',
    'after a flush 600d',
    'irq 5 raised 1',
    'irq 5 lowered 0',
    '',
  ]);
  expect(end).toEqual({ kind: 'debug-exit', value: 305419896 });
});

/** 16-bit code for 0x7c00, and how the machine ends. */
const FLAT: [string, number[], PcEnd, string][] = [
  // mov $'A',%al; mov $0x3f8,%dx; out %al,(%dx); hlt
  ['a halt', [0xb0, 0x41, 0xba, 0xf8, 0x03, 0xee, 0xf4], { kind: 'halt' }, 'A'],
  // mov $0xfe,%al; out %al,$0x64
  ['a reset', [0xb0, 0xfe, 0xe6, 0x64, 0xf4], { kind: 'reset' }, ''],
  // mov $0x3400,%ax; mov $0x604,%dx; out %ax,(%dx)
  ['ACPI S5', [0xb8, 0x00, 0x34, 0xba, 0x04, 0x06, 0xef, 0xf4], { kind: 'power-off' }, ''],
  // mov $5,%al; out %al,$0xf4
  ['a debug exit', [0xb0, 0x05, 0xe6, 0xf4, 0xf4], { kind: 'debug-exit', value: 5 }, ''],
];

describe('flat binaries', () => {
  test.each(FLAT)('%s ends the machine', (_, code, end, text) => {
    expect(run({ image: new Uint8Array(code) })).toEqual({ end, text });
  });

  test('a halt with interrupts on goes on: the timer wakes it', () => {
    const code = [
      // ICW1 to ICW4 of the first PIC: vectors from 8 on; then all but IRQ 0 masked
      ...[0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21],
      ...[0xb0, 0xfe, 0xe6, 0x21],
      // Vector 8 to 0x7c40: movw $0x7c40,(0x20); movw $0,(0x22)
      ...[0xc7, 0x06, 0x20, 0x00, 0x40, 0x7c, 0xc7, 0x06, 0x22, 0x00, 0x00, 0x00],
      // PIT channel 0 on: mov $0x34,%al; out $0x43; xor %al,%al; out $0x40; mov $0,%al; out $0x40 (65536 ticks: longer than a slice)
      ...[0xb0, 0x34, 0xe6, 0x43, 0x30, 0xc0, 0xe6, 0x40, 0xb0, 0x00, 0xe6, 0x40],
      // 1: sti; hlt; jmp 1b
      ...[0xfb, 0xf4, 0xeb, 0xfd],
    ];
    const image = new Uint8Array(0x48);
    image.set(code);
    // The interrupt's handler: mov $9,%al; out %al,$0xf4; hlt
    image.set([0xb0, 0x09, 0xe6, 0xf4, 0xf4], 0x40);

    expect(run({ image }).end).toEqual({ kind: 'debug-exit', value: 9 });
  });
});

test('a triple fault ends the machine', () => {
  // ud2, with an interrupt table of zeros
  const image = multibootImage([0x0f, 0x0b], []);

  expect(run({ image }).end).toEqual({ kind: 'triple-fault' });
});

test('a second CPU is started by INIT and SIPI, and the two take turns', () => {
  // The boot CPU sends INIT and SIPI (vector 0x10) through the local APIC, then waits for the byte that the other
  // CPU writes at 0x500.
  const boot = [
    ...[0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00], // movl $0xc4500,0xfee00300
    ...[0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x10, 0x46, 0x0c, 0x00], // movl $0xc4610,0xfee00300
    ...[0x80, 0x3d, 0x00, 0x05, 0x00, 0x00, 0x00, 0x74, 0xf7], // 1: cmpb $0,0x500; je 1b
    ...[0xa0, 0x00, 0x05, 0x00, 0x00, 0xe6, 0xf4, 0xf4], // mov 0x500,%al; out %al,$0xf4; hlt
  ];
  // movb $0x21,(0x500); hlt
  const other = [0xc6, 0x06, 0x00, 0x05, 0x21, 0xf4];
  const image = multibootImage(boot, other);

  expect(run({ image, cpus: 2 }).end).toEqual({ kind: 'debug-exit', value: 0x21 });
});

/** An ELF with two segments: 32-bit code at 1 MiB behind a multiboot header, 16-bit code at 0x10000. */
function multibootImage(code: number[], other: number[]): Buffer {
  const file = Buffer.alloc(0x400);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  file.writeUInt16LE(3, 18);
  file.writeUInt32LE(0x10000c, 24);
  file.writeUInt32LE(52, 28);
  file.writeUInt16LE(32, 42);
  file.writeUInt16LE(2, 44);
  const segment = (at: number, offset: number, address: number, size: number) => {
    [1, offset, address, address, size, size].forEach((word, i) => {
      file.writeUInt32LE(word, at + i * 4);
    });
  };
  segment(52, 0x100, 0x100000, 12 + code.length);
  segment(84, 0x200, 0x10000, other.length);
  [0x1badb002, 0, -0x1badb002 >>> 0].forEach((word, i) => {
    file.writeUInt32LE(word, 0x100 + i * 4);
  });
  file.set(code, 0x10c);
  file.set(other, 0x200);
  return file;
}
