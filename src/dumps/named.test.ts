import { describe, expect, it } from 'vitest';
import { areasOf, factsOf, namedIn } from '../../test/support/dumps.js';
import { readDump } from './read.js';

const BOOT = '[    0.000010] ';
const BACKWARDS = 'it ends before it begins';

describe('a line of a log', () => {
  it.each([
    '  0 base 00C0000000 mask FFC0000000 uncacheable',
    'MTRR default type: uncacheable',
    'mtrr: Disabled',
    'x86/PAT: PAT support disabled because CONFIG_X86_PAT is disabled in the kernel.',
    'x86/PAT: Configuration [0-7]: WB  WC',
    'BIOS-e820: [mem 0x0000000000000000-0x0000000000000fff] type 20',
    '  00000-9FFFF write-behind',
  ])('that bears on memory types is named: %j', (line) => {
    expect(namedIn(BOOT + line)).toEqual([[1]]);
  });

  it.each([
    'Linux version 6.1.0-28-amd64',
    'e820: update [mem 0x00000000-0x00000fff] usable ==> reserved',
    'e820: update [mem 0x00000000-0x00000fff] System RAM ==> device reserved',
    'e820: remove [mem 0x000a0000-0x000fffff] usable',
    'e820: reserve RAM buffer [mem 0x3ffdd000-0x3fffffff]',
    'e820: [mem 0xc0000000-0xfeffbfff] available for PCI devices',
    'BIOS-e820: [gap 0x00000000000a0000-0x00000000000effff]',
    'MTRR map: 4 entries (3 fixed + 1 variable; max 19), built from 8 variable MTRRs',
    '  0: 0000000000000000-000000000009ffff write-back',
    'sd 0:0:0:0: [sda] Write cache: enabled, read cache: enabled',
  ])('that tells nothing more is passed over: %j', (line) => {
    expect(readDump(BOOT + line)).toMatchObject({ known: [], unknownCount: 0 });
  });

  it.each([
    BOOT,
    '<6>[    0.000010] ',
    '[    0.000010][    T0] ',
    '[Sat Nov 29 09:00:00 2025] ',
    'Nov 29 09:00:00 host kernel: ',
    'Nov 29 09:00:00.123456 host kernel: ',
    '2025-11-29T09:00:00+00:00 host kernel: ',
    '2025-11-29T09:00:00,123456+00:00 ',
  ])('may begin with %j', (prefix) => {
    const text = `${prefix}MTRR default type: write-back\n${prefix}Linux version 6.1.0`;

    expect(factsOf(text)).toEqual([{ what: 'default', type: 'WB' }]);
    expect(namedIn(text)).toEqual([]);
  });
});

describe('the map of the firmware', () => {
  it('is read as kernels before 3.5 print it, where the end is not part of it', () => {
    const text = ` BIOS-e820: 0000000000000000 - 000000000009f400 (usable)
${BOOT} BIOS-e820: 00000000000f0000 - 0000000000100000 (reserved)
 BIOS-e820: 000000003fff0000 - 0000000040000000 (ACPI data)`;

    expect(areasOf(text)).toEqual([
      'ram 0+9f400 usable',
      'reserved f0000+10000 reserved',
      'ram 3fff0000+10000 ACPI data',
    ]);
  });

  it('is read as 7.2 prints it', () => {
    const text = `${BOOT}BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff]  System RAM
${BOOT}BIOS-e820: [mem 0x00000000000f0000-0x00000000000fffff]  device reserved
${BOOT}BIOS-e820: [mem 0x0000000100000000-0x000000013fffffff]  persistent RAM (type 7)`;

    expect(areasOf(text)).toEqual([
      'ram 0+a0000 System RAM',
      'reserved f0000+10000 device reserved',
      'dax 100000000+40000000 persistent RAM (type 7)',
    ]);
  });
});

it.each([
  '00200000-00100000 : System RAM',
  'BIOS-e820: [mem 0x0000000000200000-0x0000000000100000] usable',
  `${BOOT}BIOS-e820: [mem 0x0000000000200000-0x0000000000100000] usable`,
  'BIOS-e820: 0000000000200000 - 0000000000200000 (usable)',
  'A0000-80000 write-back',
])('names what ends before it begins: %j', (line) => {
  expect(factsOf(line)).toEqual([]);
  expect(namedIn(line)).toEqual([[1, BACKWARDS]]);
});

it("names what ends before it begins among QEMU's memory", () => {
  const text = ` AS "memory", root: system
  0000000000200000-0000000000100000 (prio 0, ram): pc.ram`;

  expect(areasOf(text)).toEqual([]);
  expect(namedIn(text)).toEqual([[2, BACKWARDS]]);
});

describe('/proc/iomem', () => {
  it('says once that it was read without privilege', () => {
    const text = `00000000-00000000 : Reserved
00000000-00000000 : System RAM
  00000000-00000000 : Kernel code`;

    expect(areasOf(text)).toEqual([]);
    expect(namedIn(text)).toEqual([[1, expect.stringMatching(/read \/proc\/iomem as root$/)]]);
  });

  it('names memory within what is none, and passes over other parts', () => {
    const text = `100000000-17fffffff : System RAM
  100000000-100ffffff : Reserved
200000000-27fffffff : CXL Window 0
  200000000-27fffffff : System RAM (kmem)
c0000000-febfffff : PCI Bus 0000:00
  fd000000-fdffffff : 0000:00:02.0`;

    expect(areasOf(text)).toHaveLength(3);
    expect(namedIn(text)).toEqual([[4, expect.stringMatching(/--slot/)]]);
  });
});

describe('/proc/cpuinfo', () => {
  it('tells MAXPHYADDR, and nothing else', () => {
    const text = `processor\t: 0
flags\t\t: ${'fpu '.repeat(300)}
bugs\t\t:
address sizes\t: 46 bits physical, 48 bits virtual
power management:`;

    expect(factsOf(text)).toEqual([{ what: 'address-bits', bits: 46 }]);
    expect(namedIn(text)).toEqual([]);
  });

  it.each([35, 53, 99])('with %i address bits is named', (bits) => {
    const text = `address sizes\t: ${bits} bits physical, 48 bits virtual`;

    expect(factsOf(text)).toEqual([]);
    expect(namedIn(text)).toEqual([[1, expect.stringMatching(/36 to 52 bits$/)]]);
  });
});

describe('rdmsr', () => {
  it.each([
    ['rdmsr 0x2ff', 'c06', 0xc06n],
    ['rdmsr -0 0x2ff', '0000000000000c06', 0xc06n],
    ['rdmsr -c 0x2ff', '0xc06', 0xc06n],
    ['rdmsr -X 0x2ff', 'C06', 0xc06n],
    ['rdmsr -d 0x2ff', '2054', 0x806n],
    ['rdmsr --decimal 0x2ff', '2054', 0x806n],
    ['rdmsr -d 0x277', '-1', 0xffff_ffff_ffff_ffffn],
    ['rdmsr -u 0x2ff', '2054', 0x806n],
    ['rdmsr -0u 0x2ff', '00000000000000002054', 0x806n],
    ['rdmsr -c -u 0x2ff', '2054U', 0x806n],
    ['rdmsr -p 0 -d 0x2ff', '2054', 0x806n],
    ['rdmsr -o 0x2ff', '4006', 0x806n],
  ])('%s answers %j', (command, answer, value) => {
    expect(factsOf(`# ${command}\n${answer}`)).toMatchObject([{ value }]);
  });

  it('tells processors apart in decimal too', () => {
    expect(factsOf('# rdmsr -a -d 0x2ff\n2054\n3078')).toMatchObject([
      { cpu: 0, value: 0x806n },
      { cpu: 1, value: 0xc06n },
    ]);
  });

  it('names an answer that is not in the base that was asked for', () => {
    expect(namedIn('# rdmsr -d 0x2ff\nc06')).toEqual([[2]]);
  });
});
