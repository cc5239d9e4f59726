import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clearProgressLine, type ProgressStream, startProgress, withProgress } from './progress.js';

function recorder(isTTY: boolean): ProgressStream & { text: string } {
  return {
    text: '',
    isTTY,
    columns: 30,
    write(text: string) {
      this.text += text;
    },
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('says nothing of what takes less than a second', () => {
  const stream = recorder(false);

  const progress = startProgress('work', stream);
  vi.advanceTimersByTime(999);
  progress.done();
  vi.advanceTimersByTime(60_000);

  expect(stream.text).toBe('');
});

it('writes a heartbeat to a log: at 1 s, then every 15 s with the newest state', () => {
  const stream = recorder(false);

  const progress = startProgress('work', stream);
  progress.update('1 of 3');
  vi.advanceTimersByTime(1_000);
  progress.update('2 of 3');
  vi.advanceTimersByTime(30_000);
  progress.done();

  expect(stream.text).toBe(
    'work: 1 of 3 (1 s)\nwork: 2 of 3 (16 s)\nwork: 2 of 3 (31 s)\nwork: done (31 s)\n',
  );
});

it('lets no control sequence into a log', () => {
  const stream = recorder(false);

  const progress = startProgress('work\u001b[2J', stream);
  progress.update('\u009b\n\u202e');
  vi.advanceTimersByTime(1_000);
  progress.done('\u0007');

  expect(stream.text).toBe('work\\x1b[2J: \\x9b \\u202e (1 s)\nwork\\x1b[2J: \\x07 (1 s)\n');
});

it('says how many of how many are done and, from how fast it went, what is left', () => {
  const stream = recorder(false);

  const progress = startProgress('work', stream);
  progress.update('a', { done: 0, total: 85 });
  vi.advanceTimersByTime(1_000);
  progress.update('b', { done: 15, total: 85 });
  vi.advanceTimersByTime(15_000);
  progress.update('c', { done: 85, total: 85 });
  vi.advanceTimersByTime(15_000);

  expect(stream.text).toBe('work: 0/85: a (1 s)\nwork: 15/85, 75 s left: b (16 s)\nwork: 85/85: c (31 s)\n');
});

it('tells what is left by the last run, from the beginning on, and counts down meanwhile', () => {
  const stream = recorder(false);

  const progress = startProgress('work', stream);
  progress.update('starting', { done: 0, total: 85, leftMs: 60_000 });
  vi.advanceTimersByTime(1_000);
  vi.advanceTimersByTime(15_000);
  progress.update('a', { done: 84, total: 85, leftMs: 10_000 });
  vi.advanceTimersByTime(15_000);

  expect(stream.text).toBe(
    'work: 0/85, 59 s left: starting (1 s)\nwork: 0/85, 44 s left: starting (16 s)\nwork: 84/85, 0 s left: a (31 s)\n',
  );
});

it('tells a long rest in minutes', () => {
  const stream = recorder(false);

  const progress = startProgress('work', stream);
  progress.update('a', { done: 0, total: 1000 });
  vi.advanceTimersByTime(1_000);
  progress.update('b', { done: 10, total: 1000 });
  vi.advanceTimersByTime(15_000);

  expect(stream.text).toContain('work: 10/1000, 26 min left: b (16 s)\n');
});

it.each([
  ['done', async () => 'it', 'it'],
  ['failed', () => Promise.reject(new Error('no')), 'no'],
])('says of work that it is %s only where it is', async (end, work, gives) => {
  const stream = recorder(false);

  const result = withProgress(
    'work',
    async () => {
      vi.advanceTimersByTime(1_000);
      return await work();
    },
    stream,
  ).catch((error: Error) => error.message);

  expect(await result).toBe(gives);
  expect(stream.text).toBe(`work (1 s)\nwork: ${end} (1 s)\n`);
});

describe('on a terminal', () => {
  it('cuts the beginning of a long label, not how far it is', () => {
    const stream = recorder(true);

    const progress = startProgress('running /a/long/path/to/bzImage', stream);
    progress.update('x', { done: 1, total: 2 });
    vi.advanceTimersByTime(1_000);

    expect(stream.text).toBe('…h/to/bzImage: 1/2: x (1.0 s)');
  });

  it('draws one line again and again, within the width, and clears it for others', () => {
    const stream = recorder(true);

    const progress = startProgress('work', stream);
    progress.update(`\u001b[31m${'x'.repeat(50)}`);
    vi.advanceTimersByTime(1_000);

    expect(stream.text).toBe('work: \\x1b[31mxxxxxxxxxxxxxxx');
    clearProgressLine();
    expect(stream.text.endsWith('\r\u001b[2K')).toBe(true);
    progress.done();
    expect(stream.text.endsWith('work: done (1.0 s)\n')).toBe(true);
  });
});
