import { expect, test } from 'vitest';
import { dataPort, flushPort, irqPorts, TestMemory } from './test-device.js';

test('the data port keeps bytes, words and double words, each where it was written', () => {
  const port = dataPort();

  port.write(0, 4, 0x11223344);
  port.write(1, 1, 0x55);
  port.write(2, 2, 0xfedc);

  expect(port.read(0, 4)).toBe(0xfedc5544);
  expect([port.read(0, 1), port.read(1, 1), port.read(2, 2)]).toEqual([0x44, 0x55, 0xfedc]);
});

test('an access past the last byte is cut off', () => {
  const port = dataPort();

  port.write(3, 4, 0xaabbccdd);

  expect(port.read(3, 4)).toBe(0xdd);
  expect(port.read(0, 4)).toBe(0xdd000000);
});

test('the memory is 64 KiB and little endian', () => {
  const memory = new TestMemory();

  memory.write(0, 4, 0xaabbccdd);
  memory.write(TestMemory.size - 1, 1, 0x7f);

  expect([memory.read(0, 4), memory.read(1, 2), memory.read(3, 1)]).toEqual([0xaabbccdd, 0xbbcc, 0xaa]);
  expect(memory.read(TestMemory.size - 1, 1)).toBe(0x7f);
  expect(memory.read(TestMemory.size - 4, 4)).toBe(0x7f000000);
});

test('an IRQ port drives the line of its number', () => {
  const lines: [number, boolean][] = [];
  const ports = irqPorts((irq, level) => lines.push([irq, level]));

  ports.write(0, 1, 1);
  ports.write(23, 1, 0);
  ports.write(5, 1, 0x80);

  expect(lines).toEqual([
    [0, true],
    [23, false],
    [5, true],
  ]);
});

test('a write to the flush port flushes, a read does not', () => {
  let flushes = 0;
  const port = flushPort(() => flushes++);

  port.read(0, 4);
  port.write(0, 4, 0x1000);

  expect(flushes).toBe(1);
});
