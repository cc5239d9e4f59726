import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { labConfigs } from './lab-config.js';

const kconfig = (depends: string): string =>
  `config HAVE_KVM\n\tbool\n\nconfig KVM\n\ttristate "KVM"\n\tdepends on ${depends}\n\tselect SRCU\n\nconfig KVM_WERROR\n\tdepends on NET\n`;

// The second row is 5.10's.
test.each([
  ['X86_LOCAL_APIC', ['lab.config']],
  ['NET && MULTIUSER', ['lab.config', 'lab-net.config']],
  ['NETFILTER', ['lab.config']],
])('a KVM that depends on %s', (depends, names) => {
  expect(labConfigs(kconfig(depends)).map((file) => basename(file))).toEqual(names);
});

test('a tree whose KVM is not declared as usual has the plain configuration', () => {
  expect(labConfigs('').map((file) => basename(file))).toEqual(['lab.config']);
});

test('KVM becomes modules over what the lab has otherwise', () => {
  expect(labConfigs(kconfig('NET'), true).map((file) => basename(file))).toEqual([
    'lab.config',
    'lab-net.config',
    'modules.config',
  ]);
});
