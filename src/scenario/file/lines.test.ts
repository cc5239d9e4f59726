import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { catalogue } from '../../catalogue/index.js';
import { stepLines } from './lines.js';
import { printScenario } from './print.js';

test('each step of the example has the line that one sees', () => {
  const text = readFileSync(new URL('../../../examples/mtrr-off.json', import.meta.url), 'utf8');
  const lines = text.split('\n');

  const [list, ...steps] = stepLines(text);

  expect(lines[(list as number) - 1]).toContain('"steps": [');
  expect(steps).toHaveLength(JSON.parse(text).steps.length);
  for (const line of steps) expect(lines[line - 1]).toMatch(/^ {4}\{ "do":/);
});

test('every scenario of the catalogue has a line for each of its steps', () => {
  for (const one of catalogue) {
    const [list, ...steps] = stepLines(printScenario(one));
    expect(steps, one.name).toHaveLength(one.steps.length);
    expect(steps.every((line, i) => line > (i === 0 ? (list as number) : (steps[i - 1] as number)))).toBe(
      true,
    );
  }
});

test.each<[string, string, number[]]>([
  ['steps in one line', '{"name":"a/b","steps":[{"do":"x"},{"do":"y"}]}', [1, 1, 1]],
  ['steps over several lines', '{\n"steps":\n[\n{\n"do":"x",\n"a":[{}]},\n{}\n]}', [3, 4, 7]],
  ['signs in strings', '{"title":"[{\\"\\n","steps":[\n{"a":"}]"},\n{}]}', [1, 2, 3]],
  ['a list before', '{"needs":["steps",["a"],\n{}],"steps":[\n{}]}', [2, 3]],
  ['fields that are there twice', '{"steps":[{}],\n"steps":[\n{}]}', [2, 3]],
  ['a name with escapes', '{"\\u0073teps":[\n{}]}', [1, 2]],
  ['other line ends', '{\r\n"steps":[\r\n{}]}', [2, 3]],
])('%s', (_, text, lines) => {
  JSON.parse(text);
  expect(stepLines(text)).toEqual(lines);
});
