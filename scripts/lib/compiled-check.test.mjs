import { build } from 'esbuild';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.ts';
import { encodeSpec } from '../../src/recording/spec.ts';
import { specFault } from '../../src/recording/spec-check.ts';
import { specSchema } from '../../src/recording/spec-schema.ts';
import { decodeJson } from '../../src/recording/wire.ts';
import { specCheckModule } from './compiled-check.mjs';

let compiled;
beforeAll(async () => {
  const stdin = { contents: specCheckModule(specSchema), resolveDir: import.meta.dirname };
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false });
  const code = Buffer.from(outputFiles[0].text).toString('base64');
  compiled = (await import(`data:text/javascript;base64,${code}`)).specFault;
});

/** One scenario with each kind of step, so that a change of any place is likely. */
const KINDS = new Map(catalogue.flatMap((each) => each.steps.map((step) => [step.do, step])));
const ALL = { ...catalogue[0], steps: [...KINDS.values()] };
const arrived = (spec) => decodeJson(encodeSpec(spec));
const SPEC = arrived({
  scenarios: [ALL, ...catalogue.filter(({ steps }) => steps.some((step) => step.claims)).slice(0, 1)],
  device: null,
  params: ['kvm.tdp_mmu'],
  virtioType: 1,
  memslotFlag: 8,
  zaps: [{ vcpus: 1, mib: 2 }],
});

/** Every place in a value, as the way to it. */
const places = (value, way = []) => [
  way,
  ...(value !== null && typeof value === 'object'
    ? Object.keys(value).flatMap((key) => places(value[key], [...way, key]))
    : []),
];

function changed(value, [key, ...rest], change) {
  if (key === undefined) return change(value);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const next = changed(copy[key], rest, change);
  if (next === undefined) delete copy[key];
  else copy[key] = next;
  return copy;
}

const big = fc.oneof(fc.bigInt(), fc.constantFrom(-1n, 0n, (1n << 64n) - 1n, 1n << 64n));
const number = fc.oneof(
  fc.constantFrom(-1, 0, -0, 7, 8, 9, 35, 52, 53, 2 ** 20, 2 ** 20 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 0.5),
  fc.integer(),
);
const words = places(SPEC).map((way) => way.reduce((value, key) => value[key], SPEC));
const text = fc.oneof(
  fc.constantFrom(
    '',
    'wrmsr',
    'guest',
    'UC',
    'ram',
    '\u{1f600}'.repeat(5_001),
    'x'.repeat(10_001),
    'a/b',
    'A/b',
    'a/b\n',
  ),
  fc.string(),
  fc.constantFrom(...words.filter((word) => typeof word === 'string')),
);
const other = fc.oneof(
  big,
  number,
  text,
  fc.constantFrom(null, true, false, [], {}, undefined),
  // zod does not look at a key __proto__ of a record.
  fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    text,
    { noNullPrototype: true },
  ),
  fc.constantFrom(...SPEC.scenarios[0].steps),
);
const change = fc.oneof(
  other.map((value) => () => value),
  fc.tuple(text, other).map(
    ([key, value]) =>
      (old) =>
        old !== null && typeof old === 'object' && !Array.isArray(old) && value !== undefined
          ? { ...old, [key]: value }
          : value,
  ),
);

test('what is as it should be is taken', () => {
  expect(compiled(arrived({ scenarios: catalogue, device: 'lab' }))).toBeUndefined();
  expect(compiled(SPEC)).toBeUndefined();
});

test('the compiled check takes what zod takes, and refuses what it refuses', () => {
  const ways = places(SPEC);
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...ways), change, (way, by) => {
      const spec = changed(SPEC, way, by);
      const fault = specFault(spec);
      if (fault !== undefined) refused++;
      expect(compiled(spec) === undefined).toBe(fault === undefined);
    }),
    { numRuns: 20_000 },
  );
  expect(refused).toBeGreaterThan(5_000);
});

test('it says where, and what', () => {
  expect(compiled(changed(SPEC, ['scenarios', 0, 'vcpus'], () => 9))).toMatch(
    /^scenarios\[0\]\.vcpus: must be <= 8/,
  );
  expect(compiled({ ...SPEC, colour: 1 })).toMatch(/colour/);
});
