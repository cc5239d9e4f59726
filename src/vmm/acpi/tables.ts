/** Where the power-management registers answer, and what a guest writes to turn the machine off. */
export const PM = {
  /** PM1a event block, 4 bytes: status, enable. */
  eventPort: 0x600,
  /** PM1a control block, 2 bytes. */
  controlPort: 0x604,
  /** SLP_TYP of S5, as the DSDT states it. */
  sleepType: 5,
  sci: 9,
} as const;

/** The keyboard controller's command port and what a guest writes there to reset the machine. */
export const RESET = { port: 0x64, value: 0xfe } as const;

/** IAPC_BOOT_ARCH: legacy devices are there; 8042, VGA and CMOS clock are not. */
const BOOT_ARCH = 0x1 | 0x4 | 0x20;

const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;

/** The ACPI tables of a machine and the address of their root. */
export interface AcpiTables {
  rsdp: number;
  bytes: Uint8Array;
}

/**
 * RSDP, XSDT, FADT, DSDT and MADT for a PC with `cpus` local APICs, an I/O APIC and a power button's worth of power
 * management (ACPI specification 6, "ACPI Software Programming Model"). To be put at `base`.
 */
export function acpiTables(base: number, cpus: number): AcpiTables {
  const bytes = new Uint8Array(0x2000);
  let next = 64;
  const place = (table: Uint8Array): number => {
    const at = next;
    bytes.set(table, at);
    next = (at + table.length + 63) & ~63;
    return base + at;
  };
  const dsdt = place(sdt('DSDT', 2, S5_PACKAGE));
  const fadt = place(sdt('FACP', 5, fadtBody(dsdt)));
  const madt = place(sdt('APIC', 3, madtBody(cpus)));
  const xsdt = place(sdt('XSDT', 1, u64s([fadt, madt])));
  bytes.set(rsdp(xsdt), 0);
  return { rsdp: base, bytes: bytes.subarray(0, next) };
}

/** Name(_S5, Package() { 5, 5, 0, 0 }), in AML. */
const S5_PACKAGE = new Uint8Array([
  0x08,
  0x5f,
  0x53,
  0x35,
  0x5f,
  0x12,
  0x08,
  0x04,
  0x0a,
  PM.sleepType,
  0x0a,
  PM.sleepType,
  0x00,
  0x00,
]);

function u64s(values: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
}

function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

function sdt(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const table = new Uint8Array(36 + body.length);
  const view = new DataView(table.buffer);
  table.set(Buffer.from(signature), 0);
  view.setUint32(4, table.length, true);
  table[8] = revision;
  table.set(Buffer.from('KVMMT MEMTYPE '), 10);
  view.setUint32(24, 1, true);
  table.set(Buffer.from('KVMM'), 28);
  view.setUint32(32, 1, true);
  table.set(body, 36);
  table[9] = checksum(table);
  return table;
}

function rsdp(xsdt: number): Uint8Array {
  const table = new Uint8Array(36);
  const view = new DataView(table.buffer);
  table.set(Buffer.from('RSD PTR '), 0);
  table.set(Buffer.from('KVMMT '), 9);
  table[15] = 2;
  view.setUint32(20, table.length, true);
  view.setBigUint64(24, BigInt(xsdt), true);
  table[8] = checksum(table.subarray(0, 20));
  table[32] = checksum(table);
  return table;
}

/** FADT from offset 36 on: no SMI, no PM timer, PM1a only. */
function fadtBody(dsdt: number): Uint8Array {
  const at = (offset: number) => offset - 36;
  const body = new Uint8Array(268 - 36);
  const view = new DataView(body.buffer);
  view.setUint32(at(40), dsdt, true);
  view.setUint16(at(46), PM.sci, true);
  view.setUint32(at(56), PM.eventPort, true);
  view.setUint32(at(64), PM.controlPort, true);
  body[at(88)] = 4;
  body[at(89)] = 2;
  view.setUint16(at(96), 0xffff, true); // no C2
  view.setUint16(at(98), 0xffff, true); // no C3
  view.setUint16(at(109), BOOT_ARCH, true);
  // WBINVD works, C1 works, no power or sleep button, a reset register: the keyboard controller's.
  view.setUint32(at(112), 0x1 | 0x4 | 0x10 | 0x20 | 0x400, true);
  body.set([1, 8, 0, 1], at(116));
  view.setUint32(at(120), RESET.port, true);
  body[at(128)] = RESET.value;
  view.setBigUint64(at(140), BigInt(dsdt), true);
  return body;
}

/** MADT from offset 36 on: local APICs, the I/O APIC, and IRQ 0 wired to its pin 2 as on a PC. */
function madtBody(cpus: number): Uint8Array {
  const body = new Uint8Array(8 + cpus * 8 + 12 + 10);
  const view = new DataView(body.buffer);
  view.setUint32(0, LOCAL_APIC, true);
  view.setUint32(4, 1, true); // 8259s are there
  for (let i = 0; i < cpus; i++) body.set([0, 8, i, i, 1, 0, 0, 0], 8 + i * 8);
  const ioApic = 8 + cpus * 8;
  body.set([1, 12, cpus, 0], ioApic);
  view.setUint32(ioApic + 4, IO_APIC, true);
  body.set([2, 10, 0, 0, 2, 0, 0, 0, 0, 0], ioApic + 12);
  return body;
}
