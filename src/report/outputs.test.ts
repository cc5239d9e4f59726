import { describe, expect, it } from 'vitest';
import { type OutputToken, planOutputs } from './outputs.js';

const f = (format: 'pretty' | 'ktap' | 'json' | 'junit'): OutputToken => ({ format });
const o = (output: string): OutputToken => ({ output });

const cases: [string, OutputToken[], string[]][] = [
  ['nothing', [], ['pretty']],
  ['a format', [f('ktap')], ['ktap']],
  ['a format with a file', [f('json'), o('r')], ['json=r', 'pretty']],
  ['the file first', [o('r'), f('json')], ['json=r', 'pretty']],
  ['a file goes to the format before it', [f('ktap'), f('json'), o('r')], ['ktap', 'json=r']],
  ['and to the one after it only if need be', [o('r'), f('json'), f('ktap')], ['json=r', 'ktap']],
  ['as many of each, grouped', [f('json'), f('junit'), o('a'), o('b')], ['json=a', 'junit=b', 'pretty']],
  ['as many of each, in turn', [f('json'), o('a'), f('junit'), o('b')], ['json=a', 'junit=b', 'pretty']],
  ['a file alone, told by its name', [o('r.xml')], ['junit=r.xml', 'pretty']],
  ['one format for each file but one', [f('json'), o('a'), o('b.ktap')], ['json=a', 'ktap=b.ktap', 'pretty']],
];

describe('planOutputs', () => {
  it.each(cases)('%s', (_, tokens, plans) => {
    expect(planOutputs(tokens).map(({ format, file }) => (file ? `${format}=${file}` : format))).toEqual(
      plans,
    );
  });

  it.each([
    [
      'two formats for stdout',
      [f('ktap'), f('json')],
      'only one format can go to stdout: give --output for ktap or json',
    ],
    ['a file of no known kind', [o('r.out')], '--output r.out needs a --format: its name does not tell one'],
    ['a file twice', [f('json'), o('r'), f('ktap'), o('r')], '--output r is given twice'],
  ])('refuses %s', (_, tokens, message) => {
    expect(() => planOutputs(tokens)).toThrow(message);
  });
});
