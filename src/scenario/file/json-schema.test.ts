import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { catalogue } from '../../catalogue/index.js';
import { scenarioJsonSchema } from './json-schema.js';
import { printScenario } from './print.js';

const published = JSON.parse(
  readFileSync(new URL('../../../schema/scenario-v1.json', import.meta.url), 'utf8'),
);
// A type beside the `oneOf` of types, as zod writes it, is no mistake.
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(published);

test('the published JSON Schema is the one that the program has (npm run schema)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())));
});

test('every scenario of the catalogue is valid', () => {
  for (const one of catalogue)
    expect(validate(JSON.parse(printScenario(one))), JSON.stringify(validate.errors)).toBe(true);
});

const GOOD = { name: 'test/one', title: 'One', steps: [{ do: 'rdmsr', msr: 'PAT' }] };

test('what may be left out may be left out', () => {
  expect(validate({ ...GOOD, $schema: 'scenario-v1.json' })).toBe(true);
});

test.each([
  ['a field that no scenario has', { colour: 1 }],
  ['a field that no step has', { steps: [{ do: 'rdmsr', msr: 'PAT', colour: 1 }] }],
  ['a step that nobody knows', { steps: [{ do: 'dance' }] }],
  ['an MSR of no name', { steps: [{ do: 'rdmsr', msr: 'MTRR' }] }],
  ['an address in decimal', { steps: [{ do: 'access', gpa: '4096' }] }],
  ['no name', { name: undefined }],
])('%s is not valid', (_, change) => {
  expect(validate(JSON.parse(JSON.stringify({ ...GOOD, ...change })))).toBe(false);
});
