import { expect, test } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import { scenario, touch, wrmsr } from '../scenario/builder.js';
import { decodeSpec, encodeSpec, SpecError } from './spec.js';
import { decodeJson, encodeJson } from './wire.js';

const ONE = scenario('test/one', 'One write', {}, [touch(0n), wrmsr(0x277, (1n << 64n) - 1n)]);
const TWO = scenario('test/two', 'One access', {}, [touch(0x1000n)]);

test('the whole catalogue arrives as it was sent', () => {
  const spec = {
    scenarios: catalogue,
    device: 'lab',
    params: ['kvm.tdp_mmu'],
    virtioType: 11,
    memslotFlag: 8,
  };

  expect(decodeSpec(encodeSpec(spec))).toEqual(spec);
});

test('a scenario that is repeated travels once, and comes out in its order', () => {
  const spec = {
    scenarios: [TWO, ONE, TWO, TWO, ONE],
    device: null,
    zaps: [{ vcpus: 2, mib: 4 }],
    counters: true,
  };
  const json = encodeSpec(spec);

  expect(json.match(/test\/two/g)).toHaveLength(1);
  expect(decodeSpec(json)).toEqual(spec);
});

/** A spec as it travels, with something changed. */
const spoil = (change: (spec: Record<string, unknown>) => unknown): string =>
  encodeJson(
    change(decodeJson(encodeSpec({ scenarios: [ONE, TWO], device: null })) as Record<string, unknown>),
  );
const spoilStep = (step: object): string =>
  spoil((spec) => ({ ...spec, scenarios: [ONE, { ...TWO, steps: [touch(0n), step] }] }));

// Each row: what is wrong, the spec, and the place that is named.
test.each<[string, string, RegExp]>([
  [
    'a scenario that has no step of that kind',
    spoilStep({ do: 'dance' }),
    /: scenarios\[1\]\.steps\[1\]\.do: /,
  ],
  [
    'a vCPU that is text',
    spoilStep({ ...touch(0n), vcpu: 'a' }),
    /: scenarios\[1\]\.steps\[1\]\.vcpu: .*number/,
  ],
  [
    'a field too many in a step',
    spoilStep({ ...touch(0n), colour: 1 }),
    /: scenarios\[1\]\.steps\[1\]: .*colour/,
  ],
  ['a field too many', spoil((spec) => ({ ...spec, colour: 1 })), /colour/],
  ['no device', spoil(({ device: _, ...spec }) => spec), /: device: /],
  ['a scenario by name only', spoil((spec) => ({ ...spec, scenarios: ['test/one'] })), /: scenarios\[0\]: /],
  [
    'a scenario that is not there',
    spoil((spec) => ({ ...spec, order: [0, 2] })),
    /: order\[1\]: .*no scenario 2/,
  ],
  ['half a file', encodeSpec({ scenarios: [ONE], device: null }).slice(0, 40), /not JSON/],
])('%s is refused, with its place', (_, json, place) => {
  expect(() => decodeSpec(json)).toThrow(SpecError);
  expect(() => decodeSpec(json)).toThrow(place);
});
