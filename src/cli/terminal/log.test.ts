import { expect, it } from 'vitest';
import { formatLogLine, jsonLogLine } from './log.js';

it.each([
  [{ level: 'info', msg: 'done' }, 'kvm-memtype: done\n'],
  [{ level: 'warn', msg: 'odd', pid: 1, hostname: 'h', time: 2 }, 'kvm-memtype: warning: odd\n'],
  [{ level: 'debug', msg: 'built', ms: 3, path: 'a' }, 'kvm-memtype: debug: built (ms=3, path=a)\n'],
  [{ level: 'error', msg: 'no', detail: { a: 1 } }, 'kvm-memtype: error: no (detail={"a":1})\n'],
  [
    { level: 'debug', msg: 'a\u001b[2J\u009b\nb', kernel: '\u202ex' },
    'kvm-memtype: debug: a\\x1b[2J\\x9b b (kernel=\\u202ex)\n',
  ],
])('%o', (record, line) => {
  expect(formatLogLine(JSON.stringify(record))).toBe(line);
});

it('keeps what a terminal acts on out of lines of JSON too', () => {
  const record = { level: 'debug', msg: 'a\u009b2J\u202e' };

  const line = jsonLogLine(`${JSON.stringify(record)}\n`);

  expect(line).toBe('{"level":"debug","msg":"a\\u009b2J\\u202e"}\n');
  expect(JSON.parse(line)).toEqual(record);
});
