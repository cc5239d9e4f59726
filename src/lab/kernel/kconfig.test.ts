import { expect, test } from 'vitest';
import { checkConfig, fragmentLines, parseFragments } from './kconfig.js';

test('an option that a version offers as a module only is neither met nor dropped', () => {
  const wanted = [
    { name: 'SAMPLE', value: 'y', optional: true },
    { name: 'GONE', value: 'y', optional: true },
    { name: 'REFUSED', value: 'y', optional: false },
    { name: 'MET', value: 'y', optional: false },
  ];

  const check = checkConfig(wanted, 'CONFIG_SAMPLE=m\nCONFIG_MET=y\n', (name) => name !== 'GONE');

  expect(check).toEqual({ absent: ['GONE'], dropped: [wanted[2]], modular: ['SAMPLE'] });
});

test('a fragment is read in both spellings, a later line wins', () => {
  const wanted = parseFragments([
    { name: 'a', text: '# a comment\n\nA=y\nB?\nC?=n\nCONFIG_D="x y"\n# CONFIG_E is not set\n' },
    { name: 'b', text: 'A=n\n' },
  ]);

  expect(wanted).toEqual([
    { name: 'A', value: 'n', optional: false },
    { name: 'B', value: 'y', optional: true },
    { name: 'C', value: 'n', optional: true },
    { name: 'D', value: '"x y"', optional: false },
    { name: 'E', value: 'n', optional: false },
  ]);
  expect(fragmentLines(wanted)).toBe(
    '# CONFIG_A is not set\nCONFIG_B=y\n# CONFIG_C is not set\nCONFIG_D="x y"\n# CONFIG_E is not set\n',
  );
});

test.each(['A', 'A B=y', '=y', 'A=', 'CONFIG_A'])('a line %j is refused with its file and number', (line) => {
  const files = [
    { name: 'lab.config', text: 'X=y\n' },
    { name: 'my.config', text: `X=y\n${line}\n` },
  ];

  expect(() => parseFragments(files)).toThrow(`my.config, line 2 is not NAME=value: ${line}`);
});
