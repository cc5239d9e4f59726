import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KernelLog, openKernelLog, parseKernelRecord } from './kernel-log.js';

// Each row: a record, and what it is read as.
test.each([
  ['4,7,1234,-;WARNING: at f\n', { seq: 7, warns: true, text: 'WARNING: at f' }],
  [
    '1,8,1234,-,caller=T12;BUG: x; y\n SUBSYSTEM=pci\n DEVICE=+pci:0\n',
    { seq: 8, warns: true, text: 'BUG: x; y' },
  ],
  ['6,9,1234,-;all is well\n', { seq: 9, warns: false, text: 'all is well' }],
  // Facility 1, level 4: a program wrote it.
  ['12,10,1234,-;WARNING: at f\n', { seq: 10, warns: false, text: 'WARNING: at f' }],
  ['no record', undefined],
])('reads %j', (record, expected) => {
  expect(parseKernelRecord(record)).toEqual(expected);
});

test('says why there is no log to follow', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-log-'));
  try {
    writeFileSync(join(folder, 'file'), '4,7,1234,-;WARNING: at f\n');

    expect(openKernelLog(join(folder, 'file'))).toMatchObject({
      reason: expect.stringContaining('not the kernel’s log'),
    });
    expect(openKernelLog(join(folder, 'none'))).toMatchObject({ reason: expect.stringContaining('ENOENT') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a log that cannot be read is not kept open', () => {
  const before = readdirSync('/proc/self/fd').length;

  expect(() => new KernelLog(tmpdir())).toThrow('EISDIR');

  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});
