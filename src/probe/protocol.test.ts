import { describe, expect, test } from 'vitest';
import { LAYOUT as L } from './layout.js';
import { decodeBatch, encodeBatch, type ProbeCommand } from './protocol.js';
import { windowAddress } from './tables.js';

const mailbox = () => new DataView(new ArrayBuffer(4096));
const entryAt = (i: number) => L.PROBE_MAILBOX_ENTRIES + i * L.PROBE_ENTRY_SIZE;

/** Every command with its operation, operands and width. */
const CASES: [ProbeCommand, op: number, a: bigint, b: bigint, width: number][] = [
  [{ op: 'rdmsr', msr: 0xc0000080 }, L.PROBE_OP_RDMSR, 0xc0000080n, 0n, 8],
  [{ op: 'wrmsr', msr: 0x2ff, value: 0xc06n }, L.PROBE_OP_WRMSR, 0x2ffn, 0xc06n, 8],
  [{ op: 'read', gpa: 0x1000n, pat: 3 }, L.PROBE_OP_READ, windowAddress(0x1000n, 3), 0n, 8],
  [{ op: 'read', gpa: 0x1000n, pat: 0, width: 2 }, L.PROBE_OP_READ, 0x1000n, 0n, 2],
  [{ op: 'timed-read', gpa: 8n, pat: 7 }, L.PROBE_OP_TIMED_READ, windowAddress(8n, 7), 0n, 8],
  [{ op: 'write', gpa: 8n, pat: 1, value: 5n, width: 4 }, L.PROBE_OP_WRITE, windowAddress(8n, 1), 5n, 4],
  [{ op: 'fetch', gpa: 0x2000n, pat: 0 }, L.PROBE_OP_FETCH, 0x2000n, 0n, 8],
  [{ op: 'clflush', gpa: 0x40n, pat: 2 }, L.PROBE_OP_CLFLUSH, windowAddress(0x40n, 2), 0n, 8],
  [{ op: 'invlpg', gpa: 0x40n, pat: 2 }, L.PROBE_OP_INVLPG, windowAddress(0x40n, 2), 0n, 8],
  [{ op: 'wbinvd' }, L.PROBE_OP_WBINVD, 0n, 0n, 8],
  [{ op: 'pause' }, L.PROBE_OP_PAUSE, 1n, 0n, 8],
  [{ op: 'pause', times: 3 }, L.PROBE_OP_PAUSE, 3n, 0n, 8],
  [{ op: 'read-cr', cr: 3 }, L.PROBE_OP_READ_CR, 3n, 0n, 8],
  [{ op: 'write-cr', cr: 0, value: 1n << 30n }, L.PROBE_OP_WRITE_CR, 0n, 1n << 30n, 8],
  [{ op: 'cpuid', leaf: 0x80000008, subleaf: 1 }, L.PROBE_OP_CPUID, 0x80000008n, 1n, 8],
];

describe('encode', () => {
  test.each(CASES)('%o', (command, op, a, b, width) => {
    const box = mailbox();

    encodeBatch(box, [{ op: 'pause' }, command]);

    const at = entryAt(1);
    expect(box.getUint16(at + L.PROBE_ENTRY_OP, true)).toBe(op);
    expect(box.getUint16(at + L.PROBE_ENTRY_WIDTH, true)).toBe(width);
    expect(box.getBigUint64(at + L.PROBE_ENTRY_A, true)).toBe(a);
    expect(box.getBigUint64(at + L.PROBE_ENTRY_B, true)).toBe(b);
  });

  test('the header carries magic and count, and results of an earlier batch are cleared', () => {
    const box = mailbox();
    box.setBigUint64(entryAt(0) + L.PROBE_ENTRY_VALUE, 99n, true);
    box.setUint32(entryAt(0) + L.PROBE_ENTRY_STATUS, L.PROBE_STATUS_OK, true);

    encodeBatch(box, [{ op: 'wbinvd' }]);

    expect(box.getUint32(L.PROBE_MAILBOX_MAGIC, true)).toBe(L.PROBE_MAGIC);
    expect(box.getUint32(L.PROBE_MAILBOX_COUNT, true)).toBe(1);
    expect(box.getUint32(entryAt(0) + L.PROBE_ENTRY_STATUS, true)).toBe(L.PROBE_STATUS_PENDING);
    expect(box.getBigUint64(entryAt(0) + L.PROBE_ENTRY_VALUE, true)).toBe(0n);
  });

  test('a full batch fits the page, one command more is refused', () => {
    const full = Array.from({ length: L.PROBE_MAX_COMMANDS }, (): ProbeCommand => ({ op: 'pause' }));

    expect(() => encodeBatch(mailbox(), full)).not.toThrow();
    expect(() => encodeBatch(mailbox(), [...full, { op: 'pause' }])).toThrow(RangeError);
  });
});

describe('decode', () => {
  const commands: ProbeCommand[] = [
    { op: 'cpuid', leaf: 0, subleaf: 0 },
    { op: 'rdmsr', msr: 1 },
  ];

  function answered(): DataView {
    const box = mailbox();
    encodeBatch(box, commands);
    box.setUint32(L.PROBE_MAILBOX_DONE, 2, true);
    box.setUint32(entryAt(0) + L.PROBE_ENTRY_STATUS, L.PROBE_STATUS_OK, true);
    box.setBigUint64(entryAt(0) + L.PROBE_ENTRY_VALUE, 1n, true);
    box.setBigUint64(entryAt(0) + L.PROBE_ENTRY_EXTRA, 2n, true);
    box.setUint32(entryAt(1) + L.PROBE_ENTRY_STATUS, L.PROBE_STATUS_FAULT, true);
    box.setUint32(entryAt(1) + L.PROBE_ENTRY_VECTOR, 13, true);
    box.setUint32(entryAt(1) + L.PROBE_ENTRY_ERROR_CODE, 4, true);
    box.setBigUint64(entryAt(1) + L.PROBE_ENTRY_CR2, 5n, true);
    box.setBigUint64(entryAt(1) + L.PROBE_ENTRY_RIP, 6n, true);
    return box;
  }

  test('values and faults', () => {
    expect(decodeBatch(answered(), commands)).toEqual([
      { ok: true, value: 1n, extra: 2n },
      { ok: false, fault: { vector: 13, errorCode: 4, cr2: 5n, rip: 6n } },
    ]);
  });

  test.each([
    ['a batch that is not done', (box: DataView) => box.setUint32(L.PROBE_MAILBOX_DONE, 1, true)],
    ['a count that grew', (box: DataView) => box.setUint32(L.PROBE_MAILBOX_DONE, 0xffffffff, true)],
    ['a pending entry', (box: DataView) => box.setUint32(entryAt(1) + L.PROBE_ENTRY_STATUS, 0, true)],
    ['an unknown status', (box: DataView) => box.setUint32(entryAt(1) + L.PROBE_ENTRY_STATUS, 77, true)],
  ])('%s is a protocol error', (_, spoil) => {
    const box = answered();
    spoil(box);

    expect(() => decodeBatch(box, commands)).toThrow(expect.objectContaining({ code: 'PROBE_PROTOCOL' }));
  });
});
