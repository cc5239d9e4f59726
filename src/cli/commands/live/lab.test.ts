import { expect, test } from 'vitest';
import { UsageError } from '../../errors.js';
import { argumentsOf } from './lab.js';

const SESSION = { kernel: 'debian:6.1', engine: 'auto', param: [], snapshot: true } as const;

test.each<[string[], Partial<typeof SESSION> | object, string[]]>([
  [['run', 'pat/*'], {}, ['run', 'pat/*', '--kernel', 'debian:6.1', '--engine', 'auto']],
  [
    ['fuzz', '--seed', '1'],
    { param: ['kvm.tdp_mmu=N'], snapshot: false },
    [
      ...['fuzz', '--seed', '1', '--kernel', 'debian:6.1', '--engine', 'auto'],
      ...['--param', 'kvm.tdp_mmu=N', '--no-snapshot'],
    ],
  ],
  [['explain', '--from', 'x'], {}, ['explain', '--from', 'x']],
  [['--help'], {}, ['--help']],
])('%j in a session', (words, change, args) => {
  expect(argumentsOf(words, { ...SESSION, ...change })).toEqual(args);
});

test.each([[['lab', '--kernel', 'x']], [['run', '-']]])('%j is refused in a session', (words) => {
  expect(() => argumentsOf(words, SESSION)).toThrow(UsageError);
});
