import { expect, test } from 'vitest';
import { checkConfig, fragmentLines, parseFragment } from './kconfig.js';

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
  const wanted = parseFragment('# a comment\n\nA=y\nB?\nC?=n\nCONFIG_D="x y"\n# CONFIG_E is not set\nA=n\n');

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

test.each(['A', 'A B=y', '=y', 'A=', 'CONFIG_A'])('a line %j is refused with its number', (line) => {
  expect(() => parseFragment(`X=y\n${line}\n`)).toThrow(/^line 2 of the kernel configuration/);
});
