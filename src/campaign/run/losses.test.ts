import { expect, it } from 'vitest';
import { causeOf, codeOf } from './losses.js';

const errorOf = (code?: string, cause?: unknown): Error =>
  Object.assign(new Error('x', { cause }), code !== undefined && { code });

it.each<[string, unknown, string, boolean]>([
  ['a full disk', errorOf('ENOSPC'), 'disk-full', true],
  ['a recording that a full disk does not take', errorOf('OUTPUT', errorOf('ENOSPC')), 'disk-full', true],
  [
    'the same below an error without a code',
    errorOf('CLI_USAGE', errorOf(undefined, errorOf('EDQUOT'))),
    'disk-full',
    true,
  ],
  ['a recording that may not be written', errorOf('OUTPUT', errorOf('EACCES')), 'program', false],
  ['a kernel that does not build', errorOf('LAB_BUILD', errorOf('EIO')), 'build', false],
  ['a machine with too few NUMA nodes', errorOf('CAMPAIGN_NUMA'), 'machine', false],
  ['a lab that does not start', errorOf('LAB_TIMEOUT'), 'start', true],
  ['what is no error', 'x', 'program', false],
])('%s', (_, error, loss, retry) => {
  expect(causeOf(codeOf(error))).toEqual({ loss, retry });
});
