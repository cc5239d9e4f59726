import { expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { catalogue } from '../catalogue/index.js';
import { scenario, touch } from './builder.js';
import { scenarioSchema } from './schema.js';
import type { Scenario } from './types.js';

type ReadOnly<T> = T extends bigint | number | string | boolean | undefined
  ? T
  : { readonly [K in keyof T]: ReadOnly<T[K]> };

const GOOD = scenario('test/one', 'One access', {}, [touch(0n)]);

test('every scenario of the catalogue is taken as it is', () => {
  for (const each of catalogue) expect(scenarioSchema.parse(each)).toEqual(each);
});

test('the compiler refuses a schema that leaves out anything that a scenario may have', () => {
  const whole = (each: ReadOnly<Scenario>): ReadOnly<z.infer<typeof scenarioSchema>> => each;

  expect(scenarioSchema.safeParse(whole(GOOD)).success).toBe(true);
});

// Each row: what is wrong, and a scenario that is wrong in that alone.
test.each<[string, object]>([
  ['a field that no scenario has', { ...GOOD, colour: 'red' }],
  ['a name without a family', { ...GOOD, name: 'one' }],
  ['no title', { ...GOOD, title: '' }],
  ['a need that nobody knows', { ...GOOD, needs: ['luck'] }],
  ['no vCPU', { ...GOOD, vcpus: 0 }],
  ['nine vCPUs', { ...GOOD, vcpus: 9 }],
  ['a step that nobody knows', { ...GOOD, steps: [{ do: 'dance' }] }],
  ['a step with a field of another', { ...GOOD, steps: [{ ...touch(0n), slot: 1 }] }],
  ['an address that is a number', { ...GOOD, steps: [{ ...touch(0n), gpa: 0 }] }],
  ['an address beyond 64 bits', { ...GOOD, steps: [touch(1n << 64n)] }],
  ['a PAT entry that no PAT has', { ...GOOD, steps: [touch(0n, { pat: 8 })] }],
  [
    'a memslot without pages',
    { ...GOOD, steps: [{ do: 'memslot', slot: 1, gpa: 0n, pages: 0, backing: 'ram' }] },
  ],
  ['a field that is there and undefined', { ...GOOD, steps: [{ ...touch(0n), claims: undefined }] }],
])('%s is refused', (_, bad) => {
  expect(scenarioSchema.safeParse(bad).success).toBe(false);
});
