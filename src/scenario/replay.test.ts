import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Policy, policies, VmModel } from '../memtype/index.js';
import { deleteMemslot, memslot, mib, noncoherent, scenario, virtio, wrmsr } from './builder.js';
import { type KernelFeatures, Replay, type Taken } from './replay.js';
import { GUEST_MAXPHYADDR, type Step } from './types.js';

const NEW: KernelFeatures = { virtioDevice: true, memslotFlag: true, vfioEnds: 'close' };
const OLD: KernelFeatures = { virtioDevice: false, memslotFlag: false, vfioEnds: 'vm' };
const FLAG = { flags: ['non-coherent-dma'] } as const;

function take(steps: readonly Step[], kernel = NEW): Taken[] {
  const replay = new Replay(scenario('test/replay', 'Steps', { needs: [] }, steps), kernel);
  return steps.map((step) => replay.next(step));
}
const results = (steps: readonly Step[], kernel = NEW) => take(steps, kernel).map(({ result }) => result);
const deltas = (steps: readonly Step[], kernel = NEW) =>
  take(steps, kernel).map(({ event, result }) =>
    event?.kind === 'noncoherent' && result === 'ok' ? event.delta : 0,
  );

test('a virtio device counts from its attribute’s first being set to its closing', () => {
  const steps = (['create', 'has-attr', 'set-attr', 'set-attr', 'close', 'create', 'close'] as const).map(
    (op) => virtio(op, 'a'),
  );

  expect(deltas(steps)).toEqual([0, 0, 1, 0, -1, 0, 0]);
  expect(results(steps)).toEqual(steps.map(() => 'ok'));
});

test('one step object may stand in several places: what it does depends on the steps before', () => {
  const [make, set, close] = [virtio('create', 'a'), virtio('set-attr', 'a'), virtio('close', 'a')];

  expect(deltas([make, set, set, close, make, set, close])).toEqual([0, 1, 0, -1, 0, 1, -1]);
});

test('what the author expects changes nothing', () => {
  const claims = [virtio('create', 'a', { result: 'ENODEV' }), virtio('set-attr', 'a', { result: 'EBUSY' })];

  expect(deltas(claims)).toEqual([0, 1]);
  expect(results(claims)).toEqual(['ok', 'ok']);
});

test.each<[string, Step[], KernelFeatures, string]>([
  ['set on a device that was never made', [virtio('set-attr', 'a')], NEW, 'not-taken'],
  [
    'set on one that is closed',
    [virtio('create', 'a'), virtio('close', 'a'), virtio('set-attr', 'a')],
    NEW,
    'not-taken',
  ],
  ['close again', [virtio('create', 'a'), virtio('close', 'a'), virtio('close', 'a')], NEW, 'not-taken'],
  ['make what is there', [virtio('create', 'a'), virtio('create', 'a')], NEW, 'not-taken'],
  ['make where the kernel has none', [virtio('create', 'a')], OLD, 'ENODEV'],
  [
    'set on one that the kernel did not make',
    [virtio('create', 'a'), virtio('set-attr', 'a')],
    OLD,
    'not-taken',
  ],
  ['attach where the kernel has none', [noncoherent(true, { via: 'virtio-device' })], OLD, 'ENODEV'],
  ['set a wrong attribute', [virtio('create', 'a'), virtio('set-attr', 'a', { attr: 2 })], NEW, 'ENXIO'],
  ['detach nothing', [noncoherent(false)], NEW, 'not-taken'],
  [
    'attach where KVM’s device outlives its file',
    [noncoherent(true), noncoherent(false, { close: true }), noncoherent(true)],
    OLD,
    'EBUSY',
  ],
  ['detach twice', [noncoherent(true), noncoherent(false), noncoherent(false)], NEW, 'not-taken'],
  [
    'detach one that is not there while another is',
    [noncoherent(true, { device: 'a' }), noncoherent(false, { device: 'b' })],
    NEW,
    'not-taken',
  ],
  [
    'detach nothing while a virtio device counts',
    [virtio('create', 'a'), virtio('set-attr', 'a'), noncoherent(false)],
    NEW,
    'not-taken',
  ],
  ['delete a slot that is not there', [deleteMemslot(1)], NEW, 'EINVAL'],
  ['delete a slot again', [memslot(1, mib(64), 4), deleteMemslot(1), deleteMemslot(1)], NEW, 'EINVAL'],
  ['delete a slot that was refused', [memslot(1, mib(4), 4), deleteMemslot(1)], NEW, 'EINVAL'],
  ['lay a slot over RAM', [memslot(1, mib(4), 4)], NEW, 'EEXIST'],
  ['make a slot larger', [memslot(1, mib(64), 4), memslot(1, mib(64), 8)], NEW, 'EINVAL'],
  ['flag a slot where the kernel cannot', [memslot(1, mib(64), 4, 'ram', FLAG)], OLD, 'EINVAL'],
])('to %s is told, and nothing is counted', (_, steps, kernel, result) => {
  const last = take(steps, kernel).at(-1);

  expect(last).toMatchObject({ result, why: expect.stringMatching(/\w/) });
  expect(deltas(steps, kernel).at(-1)).toBe(0);
});

test('a slot that exists keeps its memory, and one of the same number that is made anew does not', () => {
  const steps = [
    memslot(1, mib(64), 4, 'huge-ram'),
    memslot(1, mib(64), 4, 'ram'),
    memslot(1, mib(68), 4, 'ram'),
    deleteMemslot(1),
    memslot(1, mib(64), 8, 'ram'),
  ];

  const levels = take(steps).map(({ event }) =>
    event?.kind === 'memslot' && event.npages > 0 ? event.hostLevel : 0,
  );

  expect(levels).toEqual([2, 2, 2, 0, 3]);
  expect(results(steps)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
});

test('only a guest’s write is kept by a VMM that forwards none', () => {
  const steps = [wrmsr(0x277, 0n), wrmsr(0x277, 0n, { by: 'host' })];
  const replay = new Replay(
    scenario('test/drop', 'Writes', { needs: [], msrMode: 'filter-drop' }, steps),
    OLD,
  );

  expect(steps.map((step) => replay.next(step).dropped)).toEqual([true, undefined]);
});

/** Any step that is an ioctl, legal or not. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({
      slot: fc.integer({ min: 1, max: 3 }),
      at: fc.integer({ min: 28, max: 40 }),
      pages: fc.constantFrom(1, 256, 512),
      flags: fc.subarray(['log-dirty-pages', 'readonly', 'non-coherent-dma'] as const),
    })
    .map(({ slot, at, pages, flags }) => memslot(slot, mib(at), pages, 'ram', { flags })),
  fc.integer({ min: 1, max: 3 }).map(deleteMemslot),
  fc
    .record({ on: fc.boolean(), device: fc.constantFrom('a', 'b'), virtio: fc.boolean() })
    .map(({ on, device, virtio: by }) =>
      noncoherent(on, { device, ...(on && by ? { via: 'virtio-device' } : {}) }),
    ),
  fc
    .record({
      op: fc.constantFrom('create-test', 'create', 'has-attr', 'set-attr', 'close'),
      device: fc.constantFrom('a', 'b'),
      attr: fc.integer({ min: 0, max: 1 }),
    })
    .map(({ op, device, attr }) => virtio(op, device, { attr })),
);

test.each(['none', 'A', 'E', 'E+P5', 'A+P5-memslot-mtrr'])(
  'under policy %s replay and model agree on what any ioctl gives, and on the count',
  (name) => {
    const policy = policies.get(name) as Policy;
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
        const model = new VmModel(policy, { vcpus: 1, maxphyaddr: GUEST_MAXPHYADDR });
        const replay = new Replay(scenario('test/any', 'Any', { needs: [] }, steps), policy);
        for (const event of replay.start) model.apply(event);
        let counted = 0;
        for (const step of steps) {
          const { event, result } = replay.next(step);
          const effect = event && model.apply(event);
          if (event?.kind === 'noncoherent' && effect?.refused === undefined) counted += event.delta;
          if (effect !== undefined) expect(effect.refused ?? 'ok').toBe(result);
          expect(model.state.noncoherent).toBe(counted);
        }
        for (const { gfn, npages, slot } of model.state.slots.values())
          expect(replay.slotAt(BigInt(gfn + npages - 1) << 12n)?.slot).toBe(slot);
      }),
    );
  },
);
