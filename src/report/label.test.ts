import { expect, test } from 'vitest';
import { type Labelled, labelOf, uniqueLabel } from './label.js';

const lab = { engine: 'bochs', params: [] } as const;

/** Each row: what is labelled, its label. */
const LABELS: [string, Labelled, string][] = [
  ['this host', { engine: 'host' }, 'this host'],
  ['a kernel of Debian', { ...lab, kernel: 'debian:6.1', release: '6.1.192' }, 'debian:6.1'],
  [
    'an image, by its release and not its path',
    { ...lab, kernel: '/build-17/bzImage', release: '6.9.0-rc1+' },
    '6.9.0-rc1+',
  ],
  ['an image that does not tell', { ...lab, kernel: '/build-17/bzImage' }, 'unknown release'],
  [
    'parameters, in any order',
    { engine: 'bochs', kernel: 'debian:7.2', params: ['kvm.tdp_mmu=N', 'kvm.mmio_caching=N'] },
    'debian:7.2,kvm.mmio_caching=N,kvm.tdp_mmu=N',
  ],
  ['another engine', { ...lab, engine: 'qemu-tcg', kernel: 'debian:6.1' }, 'debian:6.1,qemu-tcg'],
  [
    'a name of the user’s own',
    { ...lab, name: 'v3 of my series', kernel: 'x', params: ['kvm.a=1'] },
    'v3 of my series',
  ],
];

test.each(LABELS)('%s', (_, labelled, label) => {
  expect(labelOf(labelled)).toBe(label);
});

test('kernels of one release get a number, in the order they were given', () => {
  const taken = new Set<string>();

  expect(['6.1.192', '6.1.192', '6.9.0', '6.1.192'].map((label) => uniqueLabel(label, taken))).toEqual([
    '6.1.192',
    '6.1.192 (2)',
    '6.9.0',
    '6.1.192 (3)',
  ]);
});
