import { expect, test } from 'vitest';
import { acpiTables } from './tables.js';

const BASE = 0xe0000;
const { rsdp, bytes } = acpiTables(BASE, 3);
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const sum = (from: number, length: number) =>
  bytes.subarray(from, from + length).reduce((total, byte) => total + byte, 0) & 0xff;

/** Follow a table's pointer: its signature and body, the checksum verified. */
function table(gpa: number): { signature: string; at: number; length: number } {
  const at = gpa - BASE;
  const length = view.getUint32(at + 4, true);
  expect(sum(at, length)).toBe(0);
  return { signature: Buffer.from(bytes.subarray(at, at + 4)).toString(), at, length };
}

test('the root leads to every table, and every checksum is right', () => {
  expect(rsdp).toBe(BASE);
  expect(Buffer.from(bytes.subarray(0, 8)).toString()).toBe('RSD PTR ');
  expect([sum(0, 20), sum(0, 36)]).toEqual([0, 0]);

  const xsdt = table(Number(view.getBigUint64(24, true)));
  const [fadt, madt] = [36, 44].map((offset) => table(Number(view.getBigUint64(xsdt.at + offset, true))));
  const dsdt = table(Number(view.getBigUint64((fadt?.at ?? 0) + 140, true)));

  expect([xsdt, fadt, madt, dsdt].map((t) => t?.signature)).toEqual(['XSDT', 'FACP', 'APIC', 'DSDT']);
  expect(fadt?.length).toBe(268);
  expect(madt?.length).toBe(44 + 3 * 8 + 12 + 10);
});

test('the DSDT is the one object that names S5', () => {
  const start = bytes.length - (bytes.length - Buffer.from(bytes).indexOf('DSDT')) + 36;

  expect([...bytes.subarray(start, start + 14)]).toEqual([
    0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 8, 4, 0x0a, 5, 0x0a, 5, 0, 0,
  ]);
});
