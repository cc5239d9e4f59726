/** @module-tag kvm */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Bench } from '../../src/agent/bench.js';
import { describeEnvironment } from '../../src/agent/environment.js';
import { execute } from '../../src/agent/execute.js';
import { GibPage } from '../../src/agent/memory/gib-page.js';
import { HugeRam } from '../../src/agent/memory/huge-ram.js';
import { judge } from '../../src/check/judge.js';
import { NoncoherentDma } from '../../src/dma/index.js';
import { HostMemory, KVM_DEV_TYPE_VFIO, Kvm } from '../../src/kvm/index.js';
import { type Policy, policies } from '../../src/memtype/index.js';
import type { Recording } from '../../src/recording/recording.js';
import {
  deleteMemslot,
  memslot,
  mib,
  noncoherent,
  scenario,
  touch,
  virtio,
} from '../../src/scenario/builder.js';
import { RAM_SIZE, type Step } from '../../src/scenario/types.js';

const kvm = Kvm.open();
const ram = HostMemory.memfd(RAM_SIZE);
const real = new NoncoherentDma({ kvm, device: null });
const environment = describeEnvironment(kvm, real);
// A device that is attached to nothing; and KVM's own VFIO device, as long as no attribute of it is set, for the proposed one.
const dma = {
  attach: () => ({ detach: () => {} }),
  virtio: { type: KVM_DEV_TYPE_VFIO, present: true },
  memslot: real.memslot,
} as unknown as NoncoherentDma;
const bench: Bench = {
  kvm,
  environment,
  ram,
  hugeRam: new HugeRam(RAM_SIZE),
  gib: new GibPage(),
  observer: undefined,
  dma,
  pciBar: undefined,
};
const policy: Policy = { ...(policies.get('none') as Policy), virtioDevice: true };

afterAll(() => {
  real.close();
  ram.close();
  kvm.close();
});

/** Have KVM take steps, and the model, for an author who foresaw what KVM gave: then the two agree if nothing is wrong. */
function both(steps: readonly Step[]) {
  const named = (taken: readonly Step[]) => scenario('test/illegal', 'Steps', { needs: [] }, taken);
  const recording = execute(named(steps), bench) as Recording;
  if (recording.outcome !== 'ran') return { outcome: recording };
  const records = recording.steps.slice(1);
  const foreseen = steps.map((step, i) =>
    'result' in step ? { ...step, result: records[i]?.result } : step,
  );
  const verdict = judge(named(foreseen as Step[]), recording, policy, environment);
  return { results: records.map(({ result, value }) => result ?? value), mismatches: verdict.mismatches };
}

const AT = mib(64);
const WRONG = { result: 'EINVAL' } as const;

// Each row: what is illegal, the steps, and what KVM and the model give for each.
test.each<[string, Step[], unknown[]]>([
  ['a detach of nothing', [noncoherent(false)], ['not-taken']],
  ['a second detach', [noncoherent(true), noncoherent(false), noncoherent(false)], ['ok', 'ok', 'not-taken']],
  [
    'a detach of another device than the one that is there',
    [
      noncoherent(true, { device: 'a' }),
      noncoherent(false, { device: 'b' }),
      noncoherent(false, { device: 'a' }),
    ],
    ['ok', 'not-taken', 'ok'],
  ],
  ['the deletion of a slot that was never made', [deleteMemslot(7)], ['EINVAL']],
  ['a second deletion', [memslot(1, AT, 4), deleteMemslot(1), deleteMemslot(1)], ['ok', 'ok', 'EINVAL']],
  [
    'the deletion of a slot that was refused',
    [memslot(1, mib(4), 4, 'ram', { result: 'EEXIST' }), deleteMemslot(1)],
    ['EEXIST', 'EINVAL'],
  ],
  [
    'a slot that was refused and is then made larger elsewhere: all of it is memory',
    [memslot(1, mib(4), 4, 'ram', { result: 'EEXIST' }), memslot(1, AT, 512), touch(AT + mib(2) - 0x1000n)],
    ['EEXIST', 'ok', 0n],
  ],
  [
    'a slot that exists and is made larger',
    [memslot(1, AT, 4), memslot(1, AT, 8, 'ram', WRONG), touch(AT + 0x3000n)],
    ['ok', 'EINVAL', 0n],
  ],
  [
    'a change of what a slot is made of, which keeps its memory',
    [memslot(1, AT, 4, 'huge-ram'), touch(AT, { access: 'write' }), memslot(1, AT, 4, 'ram'), touch(AT)],
    ['ok', undefined, 'ok', 1n],
  ],
  ['the slot of RAM, made larger', [memslot(0, 0n, (RAM_SIZE / 4096) * 2, 'ram', WRONG)], ['EINVAL']],
  [
    'ioctls on a device that was never made',
    [virtio('has-attr', 'a'), virtio('close', 'a')],
    ['not-taken', 'not-taken'],
  ],
  [
    'ioctls on a device that is closed',
    [
      virtio('create', 'a'),
      virtio('close', 'a'),
      virtio('set-attr', 'a'),
      virtio('close', 'a'),
      virtio('create', 'a'),
    ],
    ['ok', 'ok', 'not-taken', 'not-taken', 'ok'],
  ],
  ['a device that is made twice', [virtio('create', 'a'), virtio('create', 'a')], ['ok', 'not-taken']],
  [
    'an attribute that the device has not',
    [virtio('create', 'a'), virtio('set-attr', 'a', { group: 9, result: 'ENXIO' })],
    ['ok', 'ENXIO'],
  ],
])('of %s KVM and the model say the same', (_, steps, results) => {
  expect(both(steps)).toEqual({ results, mismatches: [] });
});

/** Any ioctl on memslots and devices, legal or not; no more than one device, and none of its own attributes is set. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({
      slot: fc.integer({ min: 0, max: 3 }),
      at: fc.integer({ min: 30, max: 36 }),
      pages: fc.constantFrom(1, 256, 512),
      flags: fc.constantFrom([], [], ['log-dirty-pages'], ['readonly'], ['non-coherent-dma']),
    })
    .map(({ slot, at, pages, flags }) => memslot(slot, mib(at), pages, 'ram', { flags })),
  fc.integer({ min: 1, max: 4 }).map(deleteMemslot),
  fc
    .record({ on: fc.boolean(), device: fc.constantFrom('a', 'b') })
    .map(({ on, device }) => noncoherent(on, { device })),
  fc
    .record({
      op: fc.constantFrom('create-test', 'create', 'has-attr', 'set-attr', 'close'),
      group: fc.constantFrom(0, 9),
    })
    .map(({ op, group }) => virtio(op, 'a', { group })),
);

test('whatever ioctls come in whatever order, KVM and the model say the same', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 10, maxLength: 25, size: 'max' }), (steps) => {
      expect(both(steps)).toMatchObject({ mismatches: [] });
    }),
    { numRuns: 60 },
  );
});

test('slots that KVM refused and devices that were closed leave nothing open', () => {
  const openFiles = (): number => readdirSync('/proc/self/fd').length;
  both([memslot(1, mib(4), 4)]);
  const before = openFiles();

  both([
    memslot(1, mib(4), 4),
    memslot(1, mib(64), 4),
    memslot(2, mib(64), 4),
    deleteMemslot(1),
    deleteMemslot(1),
    virtio('create', 'a'),
    virtio('create', 'a'),
  ]);

  expect(openFiles()).toBe(before);
});
