import { EventEmitter, once } from 'node:events';
import { WaitingError } from 'bullmq';
import { expect, it, vi } from 'vitest';
import { Gate, SharedSlot } from './gate.js';

/** A worker of BullMQ, as far as it is paused and resumed. */
function fakeWorker() {
  const worker = {
    isPaused: false,
    pause: async () => {
      worker.isPaused = true;
    },
    resume: async () => {
      worker.isPaused = false;
    },
    close: async () => {},
  };
  return worker;
}

/** A job of a queue, which may go back there. */
const fakeJob = () => ({ queued: { moveToWait: vi.fn() }, token: 't' });

/** A slot of two labels. */
function twoLabels() {
  const workers = [fakeWorker(), fakeWorker()];
  const gates = workers.map((worker) => new Gate(worker));
  const slot = new SharedSlot();
  for (const gate of gates) slot.add(gate);
  const paused = (): boolean[] => workers.map(({ isPaused }) => isPaused);
  return { gates, slot, paused };
}

it('what two things shut is open when both are gone', async () => {
  const worker = fakeWorker();
  const gate = new Gate(worker);
  const [one, other] = [{}, {}];

  await gate.shut(one);
  await gate.shut(other);
  gate.open(one);
  expect(worker.isPaused).toBe(true);
  gate.open(other);
  expect(worker.isPaused).toBe(false);
});

it('one job runs in a slot at a time: of the other label none is asked for, and one that comes all the same goes back', async () => {
  const { gates, slot, paused } = twoLabels();
  const [vtx, numa] = gates as [Gate, Gate];
  const [first, second] = [fakeJob(), fakeJob()];
  const end = new EventEmitter();
  const running = slot.use(vtx, first, () => once(end, 'end'));

  expect(paused()).toEqual([false, true]);
  await expect(slot.use(numa, second, async () => 'never')).rejects.toThrow(WaitingError);
  expect(first.queued.moveToWait).not.toHaveBeenCalled();
  expect(second.queued.moveToWait).toHaveBeenCalledWith('t');

  end.emit('end', 'done');
  expect(await running).toEqual(['done']);
  expect(paused()).toEqual([false, false]);
  expect(await slot.use(numa, second, async () => 'now')).toBe('now');
});

it('a slot is free again after a job that failed, but none is asked for while the machine is in trouble', async () => {
  const { gates, slot, paused } = twoLabels();
  const trouble = {};
  const failing = slot.use(gates[0] as Gate, fakeJob(), async () => {
    for (const gate of gates) await gate.shut(trouble);
    throw new Error('no');
  });

  await expect(failing).rejects.toThrow('no');
  expect(paused()).toEqual([true, true]);
  for (const gate of gates) gate.open(trouble);
  expect(paused()).toEqual([false, false]);
});
