import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Found } from './server/types.js';
import { Waiting, type WaitingJob } from './waiting.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Jobs a, b and c that wait, and what is told of them; the server knows what `known` says. */
function waitingOf(known: Record<string, Found>, tellsAll: boolean) {
  const told: string[] = [];
  const asked: string[] = [];
  const waiting = new Waiting(async (_, ids) => {
    asked.push(ids.join(''));
    return new Map(Object.entries(known));
  }, tellsAll);
  for (const id of ['a', 'b', 'c']) {
    const job: WaitingJob = {
      label: 'lab',
      settle: (value) => {
        told.push(`${id}: ${value}`);
        waiting.delete(id);
      },
      fail: (text) => told.push(`${id} failed: ${text}`),
      again: async () => void told.push(`${id} again`),
      onProgress: ({ done }) => told.push(`${id} at ${done}`),
    };
    waiting.add(id, job);
  }
  return { waiting, told, asked };
}

it('a job that ended together with one that was told of is found soon where events do not tell of all', async () => {
  const { waiting, told } = waitingOf({ b: { state: 'completed', value: 2 } }, false);

  waiting.completed('a', 1);
  await vi.advanceTimersByTimeAsync(300);

  // The last one may be on its way there: it is not put there again.
  expect(told).toEqual(['a: 1', 'b: 2']);
  waiting.close();
});

it('nothing is asked soon where events tell of all', async () => {
  const { waiting, told, asked } = waitingOf({ b: { state: 'completed', value: 2 } }, true);

  waiting.completed('a', 1);
  await vi.advanceTimersByTimeAsync(4_000);

  expect([told, asked]).toEqual([['a: 1'], []]);
  waiting.close();
});

it('what no event tells of is looked for in the end, and put there again if the server has lost it', async () => {
  const known: Record<string, Found> = { a: { state: 'open' }, b: { state: 'failed', text: 'lost' } };
  const { waiting, told } = waitingOf(known, true);

  waiting.progress('a', { done: 1, total: 2 });
  waiting.progress('a', 'nonsense');
  await vi.advanceTimersByTimeAsync(6_000);

  expect(told).toEqual(['a at 1', 'b failed: lost', 'c again']);
  waiting.close();
});
