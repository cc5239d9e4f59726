import { expect, it } from 'vitest';
import { rerunArgs } from './rerun.js';

const defaults = { engine: 'auto', policy: 'auto', timeout: 300, param: [] };

it.each([
  ['nothing', undefined, {}, []],
  ['a kernel', 'debian:6.1', {}, ['--kernel', 'debian:6.1']],
  ['an engine', 'b', { engine: 'qemu-tcg' }, ['--kernel', 'b', '--engine', 'qemu-tcg']],
  ['a policy', undefined, { policy: 'D', strict: true }, ['--policy', 'D', '--strict']],
  ['a longer time', undefined, { timeout: 600 }, ['--timeout', '600']],
  ['a device', undefined, { vfio: '0000:00:02.0' }, ['--vfio', '0000:00:02.0']],
  [
    'proposals',
    undefined,
    { virtioType: 17, memslotFlag: 8 },
    ['--virtio-type', '17', '--memslot-flag', '3'],
  ],
  ['parameters', undefined, { param: ['a.b=c', 'd.e=f'] }, ['--param', 'a.b=c', '--param', 'd.e=f']],
])('with %s asked for, the same is asked for again', (_, kernel, options, expected) => {
  const args = rerunArgs('mtrr/a', kernel, { ...defaults, ...options });

  expect(args).toEqual(['run', 'mtrr/a', ...expected]);
});
