import { expect, it } from 'vitest';
import { Adder } from './adder.js';
import type { Payload } from './protocol.js';

const entry = (name: string) => ({ name, data: {} as Payload, opts: {} });

/** A queue that says when it has put something there, if it is let. */
function slowQueue() {
  const batches: string[] = [];
  const waits: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const addBulk = (entries: readonly { name: string }[]): Promise<never[]> => {
    batches.push(entries.map(({ name }) => name).join(''));
    return new Promise((resolve, reject) => waits.push({ resolve: () => resolve([]), reject }));
  };
  return { batches, waits, addBulk };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

it('jobs that come while others are put into the queue go there at once after them', async () => {
  const queue = slowQueue();
  const adder = new Adder(queue, 0);

  const first = [adder.add(entry('a')), adder.add(entry('b'))];
  await turn();
  const next = [adder.add(entry('c')), adder.add(entry('d'))];
  await turn();
  const before = [...queue.batches];
  queue.waits[0]?.resolve();
  await Promise.all(first);
  await turn();
  queue.waits[1]?.resolve();
  await Promise.all(next);

  expect(before).toEqual(['ab']);
  expect(queue.batches).toEqual(['ab', 'cd']);
});

it('a question that fails is told to those whose jobs were in it alone', async () => {
  const queue = slowQueue();
  const adder = new Adder(queue, 0);

  const bad = adder.add(entry('a')).catch((error: Error) => error.message);
  await turn();
  const good = adder.add(entry('b'));
  queue.waits[0]?.reject(new Error('no'));
  await turn();
  queue.waits[1]?.resolve();

  expect(await bad).toBe('no');
  await good;
});
