import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { MSR, MSR_BY_NAME, msrName } from '../../arch/msrs.js';
import { catalogue } from '../../catalogue/index.js';
import {
  cd,
  deleteMemslot,
  discard,
  memslot,
  mib,
  noncoherent,
  rdmsr,
  scenario,
  touch,
  virtio,
  wrmsr,
} from '../builder.js';
import type { Scenario, Step } from '../types.js';
import { parseScenario, ScenarioFileError } from './parse.js';
import { printScenario } from './print.js';
import type { fileSchema } from './schema.js';

const parse = (fields: object): Scenario =>
  parseScenario(JSON.stringify({ name: 'test/one', title: 'Some steps', ...fields }));
const steps = (...given: object[]): readonly Step[] =>
  parse({ steps: given, needs: ['noncoherent', 'virtio-device'], vcpus: 2 }).steps;

test.each(catalogue.map((one) => [one.name, one] as const))(
  '%s is the same after print and parse',
  (_, one) => {
    expect(parseScenario(printScenario(one))).toEqual(one);
  },
);

type ReadOnly<T> = T extends bigint | number | string | boolean | undefined
  ? T
  : { readonly [K in keyof T]: ReadOnly<T[K]> };

test('the compiler refuses a format that leaves out anything that a scenario may have', () => {
  const whole = (each: ReadOnly<Scenario>): ReadOnly<Omit<z.infer<typeof fileSchema>, '$schema'>> => each;

  expect(catalogue.map(whole)).toEqual(catalogue);
});

test('what a file leaves out is as the builder has it', () => {
  expect(parse({ steps: [{ do: 'access', gpa: '0x1000' }] })).toEqual(
    scenario('test/one', 'Some steps', {}, [touch(0x1000n)]),
  );
  expect(
    steps(
      { do: 'wrmsr', msr: 'PAT', value: '0x0' },
      { do: 'rdmsr', msr: 'PAT' },
      { do: 'cd', on: true },
      { do: 'noncoherent', on: true },
      { do: 'virtio', op: 'create', device: 'a' },
      { do: 'memslot', slot: 1, gpa: '0x4000000', pages: 4 },
      { do: 'delete-memslot', slot: 1 },
      { do: 'discard', gpa: '0x400000', pages: 1 },
    ),
  ).toEqual([
    wrmsr(MSR.PAT, 0n),
    rdmsr(MSR.PAT),
    cd(true),
    noncoherent(true),
    virtio('create', 'a'),
    memslot(1, mib(64), 4),
    deleteMemslot(1),
    discard(mib(4), 1),
  ]);
});

test('numbers may be written in several ways', () => {
  expect(
    steps(
      { do: 'rdmsr', msr: 'MTRR_PHYSMASK7' },
      { do: 'rdmsr', msr: '0x20F' },
      { do: 'rdmsr', msr: 0x20f },
      { do: 'memslot', slot: 1, gpa: '0x4000000', pages: '4M' },
      { do: 'memslot', slot: 2, gpa: '0xC0000000', pages: '16K' },
    ),
  ).toEqual([
    rdmsr(0x20f),
    rdmsr(0x20f),
    rdmsr(0x20f),
    memslot(1, mib(64), 1024),
    memslot(2, 0xc000_0000n, 4),
  ]);
});

test('every MSR that has a name is found by it', () => {
  expect(MSR_BY_NAME.size).toBe(2 + 16 + 11 + 1);
  for (const [name, number] of MSR_BY_NAME) expect(msrName(number)).toBe(name);
});

test('every size and value comes back as it was', () => {
  const numbers = fc.record({
    pages: fc.integer({ min: 1, max: 1 << 18 }),
    value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  });
  fc.assert(
    fc.property(numbers, ({ pages, value }) => {
      const one = scenario('test/one', 'Numbers', {}, [memslot(1, mib(64), pages), wrmsr(MSR.PAT, value)]);
      expect(parseScenario(printScenario(one))).toEqual(one);
    }),
  );
});

test('a file shows what is unusual, a step on each line', () => {
  const one = scenario('test/one', 'A “title”', { needs: ['ept-leaves', 'noncoherent'] }, [
    noncoherent(true),
    touch(mib(4), { pat: 1, claims: { A: 'WB' } }),
  ]);

  expect(printScenario(one)).toBe(`{
  "name": "test/one",
  "title": "A “title”",
  "needs": ["ept-leaves", "noncoherent"],
  "steps": [
    { "do": "noncoherent", "on": true },
    { "do": "access", "gpa": "0x400000", "pat": 1, "claims": { "A": "WB" } }
  ]
}
`);
});

test('the example is a scenario, printed as it would be, but for its editor', () => {
  const text = readFileSync(new URL('../../../examples/mtrr-off.json', import.meta.url), 'utf8');

  expect(printScenario(parseScenario(text))).toBe(text.replace(/ {2}"\$schema".*\n/, ''));
});

test('a name for editors is taken, and forgotten', () => {
  expect(parse({ $schema: 'scenario-v1.json', steps: [] })).toEqual(
    scenario('test/one', 'Some steps', {}, []),
  );
});

const ACCESS = { do: 'access', gpa: '0x1000' };

// Each row: what is wrong, the fields, and the sentence.
test.each<[string, object, RegExp]>([
  ['a field that no scenario has', { steps: [], colour: 1 }, /^the scenario: there is no field "colour"$/],
  [
    'a field that no step has',
    { steps: [{ ...ACCESS, colour: 1 }] },
    /^steps\[0\]: there is no field "colour"$/,
  ],
  ['a field of another step', { steps: [{ ...ACCESS, slot: 1 }] }, /^steps\[0\]: there is no field "slot"$/],
  ['a step without an address', { steps: [{ do: 'access' }] }, /^steps\[0\]\.gpa: it is missing$/],
  ['a read of no MSR', { steps: [{ do: 'rdmsr' }] }, /^steps\[0\]\.msr: it is missing$/],
  ['no steps', {}, /^steps: it is missing$/],
  [
    'a step that nobody knows',
    { steps: [{ do: 'dance' }] },
    /^steps\[0\]\.do: it is one of wrmsr, rdmsr, msrs/,
  ],
  ['a step that is a number', { steps: [1] }, /^steps\[0\]: .*object/],
  ['an address that is a number', { steps: [{ ...ACCESS, gpa: 4096 }] }, /^steps\[0\]\.gpa: a hexadecimal/],
  ['an address in decimal', { steps: [{ ...ACCESS, gpa: '4096' }] }, /^steps\[0\]\.gpa: a hexadecimal/],
  [
    'an address of 65 bits',
    { steps: [{ ...ACCESS, gpa: '0x10000000000000000' }] },
    /^steps\[0\]\.gpa: .*64 bits/,
  ],
  ['an MSR of no name', { steps: [{ do: 'rdmsr', msr: 'MTRR' }] }, /^steps\[0\]\.msr: the name of an MSR/],
  ['another MSR', { steps: [{ do: 'rdmsr', msr: '0x10' }] }, /^steps\[0\]\.msr: it is neither an MTRR nor/],
  [
    'half a page',
    { steps: [{ do: 'discard', gpa: '0x0', pages: '2K' }] },
    /^steps\[0\]\.pages: .*whole pages/,
  ],
  ['no page', { steps: [{ do: 'discard', gpa: '0x0', pages: 0 }] }, /^steps\[0\]\.pages: .*1/],
  ['too much', { steps: [{ do: 'discard', gpa: '0x0', pages: '5000G' }] }, /^steps\[0\]\.pages: .*1048576/],
  ['a rule that is broken', { steps: [{ ...ACCESS, vcpu: 1 }] }, /^steps\[0\]\.vcpu: the VM has 1 vCPU/],
  ['a name without a family', { name: 'one', steps: [] }, /^name: /],
])('%s is refused in one sentence', (_, fields, message) => {
  expect(() => parse(fields)).toThrow(ScenarioFileError);
  expect(() => parse(fields)).toThrow(message);
});

test.each([
  ['half a file', '{ "name": ', /^it is not JSON: /],
  ['a list', '[]', /^the scenario: .*object/],
  ['nothing', '', /^it is not JSON: /],
  [
    'a field that JavaScript knows',
    '{ "name": "a/b", "title": "c", "steps": [], "__proto__": 1 }',
    /__proto__/,
  ],
])('%s is refused', (_, text, message) => {
  expect(() => parseScenario(text)).toThrow(ScenarioFileError);
  expect(() => parseScenario(text)).toThrow(message);
});
