import { expect, test } from 'vitest';
import { PowerManagement, resetPort, SystemControlPort } from './power.js';

test('S5 with sleep enable turns the machine off, nothing else does', () => {
  let off = 0;
  const pm = new PowerManagement(() => off++);

  pm.write(4, 2, 5 << 10);
  pm.write(4, 2, 0x2000 | (1 << 10));
  expect(off).toBe(0);

  pm.write(4, 2, 0x2000 | (5 << 10));
  expect(off).toBe(1);
});

test('ACPI mode is on, the enable register reads back, status is quiet', () => {
  const pm = new PowerManagement(() => {});

  pm.write(2, 2, 0x120);

  expect([pm.read(0, 2), pm.read(2, 2), pm.read(4, 2)]).toEqual([0, 0x120, 1]);
});

test('the reset line answers to 0xfe alone', () => {
  let resets = 0;
  const port = resetPort(() => resets++);

  port.write(0, 1, 0xad);
  port.write(0, 1, 0xfe);

  expect(resets).toBe(1);
});

test('the fast reset of port 0x92 comes when its bit is set, not while it stays so; A20 is on', () => {
  let resets = 0;
  const port = new SystemControlPort(() => resets++);

  expect(port.read(0, 1)).toBe(2);
  port.write(0, 1, port.read(0, 1) & ~1);
  expect(resets).toBe(0);

  port.write(0, 1, port.read(0, 1) | 1);
  port.write(0, 1, 3);
  expect(resets).toBe(1);
  expect(port.read(0, 1)).toBe(3);
});
