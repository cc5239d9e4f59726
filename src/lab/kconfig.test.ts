import { expect, test } from 'vitest';
import { checkConfig } from './kconfig.js';

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
