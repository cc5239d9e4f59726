import { expect, it } from 'vitest';
import { formatLogLine } from './log.js';

it.each([
  [{ level: 'info', msg: 'done' }, 'kvm-memtype: done\n'],
  [{ level: 'warn', msg: 'odd', pid: 1, hostname: 'h', time: 2 }, 'kvm-memtype: warning: odd\n'],
  [{ level: 'debug', msg: 'built', ms: 3, path: 'a' }, 'kvm-memtype: debug: built (ms=3, path=a)\n'],
  [{ level: 'error', msg: 'no', detail: { a: 1 } }, 'kvm-memtype: error: no (detail={"a":1})\n'],
])('%o', (record, line) => {
  expect(formatLogLine(JSON.stringify(record))).toBe(line);
});
