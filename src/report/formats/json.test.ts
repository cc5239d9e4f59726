import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { departedSet, fullRun, runOf } from '../../../test/support/results.js';
import { resultJsonSchema } from '../json-schema.js';
import { resultFile } from '../schema.js';
import { renderJson } from './json.js';

const published = JSON.parse(
  readFileSync(new URL('../../../schema/result-v1.json', import.meta.url), 'utf8'),
);
const validate = new Ajv({ validateFormats: false, strict: true }).compile(published);

it('the published JSON Schema is the one that the program has (npm run schema)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(resultJsonSchema())));
});

it('what is written is valid, and reads back as it was', () => {
  const written = JSON.parse(renderJson(fullRun()));

  expect(validate(written), JSON.stringify(validate.errors)).toBe(true);
  expect(resultFile.parse(written)).toEqual({ schema: 'kvm-memtype/result', version: 1, ...fullRun() });
});

it('lets a field pass that a later version adds', () => {
  expect(validate({ ...JSON.parse(renderJson(fullRun())), extra: true })).toBe(true);
});

it('a set that departs from its version is valid', () => {
  expect(validate(JSON.parse(renderJson(runOf(departedSet(true)))))).toBe(true);
});

it.each([
  ['another version', { version: 2 }],
  ['another tool', { tool: { name: 'other', version: '1' } }],
  ['a set without scenarios', { sets: [{ name: 'x' }] }],
])('refuses %s', (_, change) => {
  expect(validate({ ...JSON.parse(renderJson(fullRun())), ...change })).toBe(false);
});
