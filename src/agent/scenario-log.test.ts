import { expect, test } from 'vitest';
import { KERNEL_LINE_LENGTH, KERNEL_LINES } from '../recording/kernel-log.js';
import { ScenarioLog } from './scenario-log.js';

test('a line belongs to the step after which it was read', () => {
  const parts = [['a'], [], ['b', 'c']].map((lines) => ({ lines, lost: lines.length }));
  const log = new ScenarioLog({ take: () => parts.shift() ?? { lines: [], lost: 0 } });
  for (const step of [-1, 0, 1]) log.take(step);

  const lines = [
    { step: -1, text: 'a' },
    { step: 1, text: 'b' },
    { step: 1, text: 'c' },
  ];
  expect(log.field()).toEqual({ kernelLog: { lines, lost: 3 } });
});

test('keeps no more than its share, and counts the rest', () => {
  const lines = Array.from({ length: KERNEL_LINES - 1 }, () => 'x'.repeat(KERNEL_LINE_LENGTH + 1));
  const log = new ScenarioLog({ take: () => ({ lines, lost: 0 }) });
  log.take(0);
  log.take(1);

  const { kernelLog } = log.field();
  expect(kernelLog?.lines).toHaveLength(KERNEL_LINES);
  expect(kernelLog?.lines[0]?.text).toHaveLength(KERNEL_LINE_LENGTH);
  expect(kernelLog?.lost).toBe(KERNEL_LINES - 2);
});

test('says nothing where there is no log', () => {
  const log = new ScenarioLog(undefined);
  log.take(0);

  expect(log.field()).toEqual({});
});
