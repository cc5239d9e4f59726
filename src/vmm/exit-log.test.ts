import { expect, test } from 'vitest';
import { ExitLog } from './exit-log.js';

test('the log keeps the last exits, oldest first', () => {
  const log = new ExitLog(2);

  log.add(2, 0x510, 0, 1, 4);
  log.add(6, 0x1000, 0x1, 0, 8);
  log.add(2, 0x3f8, 0, 0, 1);

  expect(log.total).toBe(3);
  expect(log.entries()).toEqual([
    { reason: 6, where: 0x1_0000_1000n, write: false, size: 8 },
    { reason: 2, where: 0x3f8n, write: false, size: 1 },
  ]);
});
