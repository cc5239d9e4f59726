import { describe, expect, it } from 'vitest';
import { areasOf as areas, factsOf } from '../../test/support/dumps.js';
import { readDump } from './read.js';

/** Linux's log: print_mtrr_state() of 6.1 on a guest with 46 bits, behind the prefixes of dmesg and of journald. */
const LOG = `[    0.000000] Linux version 6.1.0-28-amd64
[    0.000000] BIOS-provided physical RAM map:
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
[    0.000000] BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
[    0.000000] BIOS-e820: [mem 0x0000000100000000-0x000000013fffffff] persistent (type 7)
[    0.004000] MTRR default type: write-back
[    0.004000] MTRR fixed ranges enabled:
[    0.004000]   00000-9FFFF write-back
[    0.004000]   A0000-FFFFF uncachable
[    0.004000] MTRR variable ranges enabled:
Nov 29 09:00:00 host kernel: [    0.004000]   0 base 0000C0000000 mask 3FFFC0000000 uncachable
[    0.004000]   1 disabled
[    0.004000] x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT  `;

describe('readDump', () => {
  it("reads Linux's log", () => {
    const dump = readDump(LOG);
    expect(dump.unknown).toEqual([]);
    expect(factsOf(LOG).slice(3)).toEqual([
      { what: 'default', type: 'WB' },
      { what: 'enabled', ranges: 'fixed', on: true },
      { what: 'fixed', type: 'WB', start: 0n, size: 0xa0000n },
      { what: 'fixed', type: 'UC', start: 0xa0000n, size: 0x60000n },
      { what: 'enabled', ranges: 'variable', on: true },
      { what: 'msr', cpu: undefined, msr: 0x200, value: 0xc0000000n },
      { what: 'msr', cpu: undefined, msr: 0x201, value: 0x3fffc0000800n },
      { what: 'msr', cpu: undefined, msr: 0x277, value: 0x0407050600070106n },
    ]);
    expect(areas(LOG)).toEqual([
      'ram 0+9fc00 usable',
      'reserved 9fc00+400 reserved',
      'dax 100000000+40000000 persistent (type 7)',
    ]);
    expect(dump.known[3]).toMatchObject({ line: 6, format: "Linux's log" });
  });

  it('reads /proc/mtrr', () => {
    expect(
      factsOf(`reg00: base=0x0c0000000 ( 3072MB), size= 1024MB, count=1: uncachable
reg01: base=0x0000a0000 (    0MB), size=  128KB, count=1: write-combining`),
    ).toEqual([
      { what: 'range', index: 0, type: 'UC', base: 0xc0000000n, size: 1n << 30n },
      { what: 'range', index: 1, type: 'WC', base: 0xa0000n, size: 1n << 17n },
    ]);
  });

  it.each([
    ['0x2ff: 0xc06', undefined, 0x2ff, 0xc06n],
    ['0x2ff: c06', undefined, 0x2ff, 0xc06n],
    ['2ff=c06', undefined, 0x2ff, 0xc06n],
    ['MSR 0x2ff = 0xc06', undefined, 0x2ff, 0xc06n],
    ['msr[0x2ff] = 0xc06', undefined, 0x2ff, 0xc06n],
    ['IA32_MTRR_DEF_TYPE: 0xc06', undefined, 0x2ff, 0xc06n],
    ['MTRR_PHYSBASE7 0x6', undefined, 0x20e, 6n],
    ['cpu1: 0x2ff: 0xc06', 1, 0x2ff, 0xc06n],
    ['wrmsr 0x2ff 0xc06', undefined, 0x2ff, 0xc06n],
    ['CPU 3\n0x2ff: 0xc06', 3, 0x2ff, 0xc06n],
    ['# rdmsr -p 2 0x2ff\nc06', 2, 0x2ff, 0xc06n],
  ])('reads %j', (text, cpu, msr, value) => {
    expect(factsOf(text)).toEqual([{ what: 'msr', cpu, msr, value }]);
  });

  it('reads what rdmsr -a prints, one line for each processor', () => {
    expect(factsOf('# rdmsr -a 0x2ff\n805\n0\n0\n')).toEqual([
      { what: 'msr', cpu: 0, msr: 0x2ff, value: 0x805n },
      { what: 'msr', cpu: 1, msr: 0x2ff, value: 0n },
      { what: 'msr', cpu: 2, msr: 0x2ff, value: 0n },
    ]);
  });

  it('reads a trace of kvm_msr: writes that did not fault, by thread', () => {
    const trace = `# tracer: nop
 CPU 1/KVM-4321    [002] ..... 100.000001: kvm_msr: msr_write 2ff = 0xc06
 CPU 1/KVM-4321    [002] ..... 100.000002: kvm_msr: msr_read 2ff = 0xc06
 CPU 0/KVM-4320    [001] ..... 100.000003: kvm_msr: msr_write 210 = 0x6 (#GP)
 CPU 0/KVM-4320    [001] ..... 100.000003: kvm_msr: msr_write 6e0 = 0x1234
 CPU 0/KVM-4320    [001] ..... 100.000004: kvm_page_fault: vcpu 0 rip 0x0
      vmm-77       [001] ..... 100.000004: kvm_msr: msr_write 277 = 0x7040600070406`;
    expect(readDump(trace).unknownCount).toBe(0);
    expect(factsOf(trace)).toEqual([
      { what: 'msr', cpu: 1, msr: 0x2ff, value: 0xc06n },
      { what: 'msr', cpu: 0, msr: 0x277, value: 0x7040600070406n },
    ]);
  });

  it("reads QEMU's registers of several processors", () => {
    const text = `(qemu) info registers -a
CPU#0
RAX=0000000000000000 RBX=0000000000000000 RCX=0000000000000000 RDX=0000000000000000
CS =f000 ffff0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
EFER=0000000000000000
CPU#1
CR0=80050033 CR2=00000000 CR3=00000000 CR4=00000000`;
    expect(factsOf(text)).toEqual([
      { what: 'cr0', cpu: 0, value: 0x60000010n },
      { what: 'cr0', cpu: 1, value: 0x80050033n },
    ]);
    expect(readDump(text).unknown).toEqual([{ line: 1, text: 'info registers -a' }]);
  });

  it("reads QEMU's memory, and of its views the one that is memory", () => {
    expect(
      areas(`FlatView #0
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan
FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM
  00000000000c0000-00000000000c3fff (prio 0, rom): pc.ram @00000000000c0000 KVM
  00000000e0000000-00000000efffffff (prio 0, ramd): 0000:01:00.0 BAR 1 mmaps[0] KVM
  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
  0000000100000000-000000013fffffff (prio 0, nv-ram): nvdimm`),
    ).toEqual([
      'ram 0+a0000 pc.ram',
      'rom c0000+4000 pc.ram',
      'bar e0000000+10000000 0000:01:00.0 BAR 1 mmaps[0]',
      'device fec00000+1000 ioapic',
      'dax 100000000+40000000 nvdimm',
    ]);
  });

  it('reads /proc/iomem: what is outermost', () => {
    const text = `00001000-0009fbff : System RAM
0009fc00-0009ffff : Reserved
00100000-bffdffff : System RAM
  01000000-01ffffff : Kernel code
c0000000-febfffff : PCI Bus 0000:00
  fd000000-fdffffff : 0000:00:02.0
100000000-13fffffff : Persistent Memory`;
    expect(areas(text)).toEqual([
      'ram 1000+9ec00 System RAM',
      'reserved 9fc00+400 Reserved',
      'ram 100000+bfee0000 System RAM',
      'device c0000000+3ec00000 PCI Bus 0000:00',
      'dax 100000000+40000000 Persistent Memory',
    ]);
    expect(areas('00000000-00000000 : System RAM')).toEqual([]);
  });

  it('reads BARs of lspci -vv, and of lspci -v', () => {
    const text = `01:00.0 VGA compatible controller: Some GPU (rev a1) (prog-if 00 [VGA controller])
\tSubsystem: Some vendor
\tControl: I/O+ Mem+ BusMaster+
\tRegion 0: Memory at f6000000 (32-bit, non-prefetchable) [size=16M]
\tRegion 1: Memory at e0000000 (64-bit, prefetchable) [size=256M]
\tRegion 5: I/O ports at e000 [size=128]
\tKernel driver in use: vfio-pci
02:00.0 Ethernet controller: Some NIC
\tMemory at fe000000 (64-bit, non-prefetchable) [size=4K]`;
    expect(readDump(text).unknown).toEqual([]);
    expect(areas(text)).toEqual([
      'bar f6000000+1000000 01:00.0 BAR 0',
      'bar e0000000+10000000 01:00.0 BAR 1',
      'bar fe000000+1000 02:00.0 BAR 0',
    ]);
  });

  it('reads MAXPHYADDR of /proc/cpuinfo', () => {
    expect(factsOf('address sizes\t: 46 bits physical, 48 bits virtual')).toEqual([
      { what: 'address-bits', bits: 46 },
    ]);
  });

  it('names the lines that it does not understand, and does not keep many', () => {
    const text = [
      'hello \u001b[31m',
      '',
      '0x2ff: 0xc06',
      ...Array.from({ length: 30 }, (_, i) => `what ${i}`),
    ].join('\n');
    const { unknown, unknownCount, known } = readDump(text);
    expect([known.length, unknown.length, unknownCount]).toEqual([1, 10, 31]);
    expect(unknown.slice(0, 2)).toEqual([
      { line: 1, text: 'hello \\x1b[31m' },
      { line: 4, text: 'what 0' },
    ]);
  });

  it('is bounded', () => {
    expect(() => readDump('\n'.repeat(200_001))).toThrow(/more than 200000 lines/);
    expect(() => readDump('0x2ff: 0xc06\n'.repeat(20_001))).toThrow(/more than 20000 things/);
    expect(readDump(`0x2ff: ${' '.repeat(100_000)}0xc06`)).toMatchObject({ known: [], unknownCount: 1 });
  });
});
