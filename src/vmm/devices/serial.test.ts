import { describe, expect, test } from 'vitest';
import { Serial16550 } from './serial.js';

function uart() {
  const sent: number[] = [];
  const levels: boolean[] = [];
  const serial = new Serial16550(
    (byte) => sent.push(byte),
    (level) => levels.push(level),
  );
  const write = (offset: number, value: number) => serial.write(offset, 1, value);
  const read = (offset: number) => serial.read(offset, 1);
  return { sent, levels, write, read };
}

describe('Serial16550', () => {
  test('a byte written to the holding register is sent, and the line is always empty', () => {
    const { sent, write, read } = uart();

    write(0, 0x41);

    expect(sent).toEqual([0x41]);
    expect(read(5)).toBe(0x60);
  });

  test('the divisor latch hides data and interrupt enable', () => {
    const { sent, write, read } = uart();

    write(3, 0x83);
    write(0, 0x34);
    write(1, 0x12);

    expect([read(0), read(1)]).toEqual([0x34, 0x12]);
    expect(sent).toEqual([]);
    write(3, 0x03);
    expect(read(1)).toBe(0);
  });

  test('registers that a driver probes read back: scratch, FIFO, interrupt enable', () => {
    const { write, read } = uart();

    write(7, 0xa5);
    write(2, 1);
    write(1, 0xff);

    expect([read(7), read(1)]).toEqual([0xa5, 0x0f]);
    expect(read(2) & 0xc0).toBe(0xc0);
  });

  test('loopback returns data and modem lines, and sends nothing', () => {
    const { sent, write, read } = uart();

    write(4, 0x1a);
    write(0, 0x55);

    expect(read(6)).toBe(0x90);
    expect(read(5) & 1).toBe(1);
    expect(read(0)).toBe(0x55);
    expect(read(5) & 1).toBe(0);
    expect(sent).toEqual([]);
  });

  test('the transmit interrupt rises when enabled, falls when identified, rises after each byte', () => {
    const { levels, write, read } = uart();

    write(4, 8);
    write(1, 2);
    const first = read(2);
    const second = read(2);
    write(0, 0x41);

    expect([first, second]).toEqual([2, 1]);
    expect(levels).toEqual([true, false, true]);
  });

  test('without OUT2 the line stays low', () => {
    const { levels, write } = uart();

    write(1, 2);
    write(0, 0x41);

    expect(levels).toEqual([]);
  });
});
