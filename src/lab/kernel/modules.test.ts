import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { LabError } from '../errors.js';
import { buildVmlinux, builtModules, modulesIn, moduleTargets, wantsModules } from './modules.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modules-test-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const tree = (path = ''): string => join(root, 'tree', path);
const build = (path = ''): string => join(root, 'build', path);
function put(path: string, text = ''): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test.each([
  [{}, false],
  [{ KVM_MEMTYPE_MODULES: '1' }, true],
  [{ KVM_MEMTYPE_MODULES: '0' }, false],
])('the environment %j asks for modules: %s', (env, expected) => {
  expect(wantsModules(env)).toBe(expected);
});

test('the modules of a configuration are those that it has as modules, kvm first', () => {
  expect(modulesIn('CONFIG_KVM_AMD=m\nCONFIG_KVM=m\n# CONFIG_KVM_INTEL is not set\n')).toEqual([
    'kvm',
    'kvm-amd',
  ]);
  expect(modulesIn('CONFIG_KVM=y\nCONFIG_KVM_INTEL=y\nCONFIG_KVM_AMD=y\n')).toEqual([]);
  expect(moduleTargets(['kvm', 'kvm-intel'])).toEqual(['arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko']);
});

describe('the kernel without its modules', () => {
  /** How often make was called. */
  let calls: number;
  const run = (): Promise<void> =>
    buildVmlinux(build(), tree(), async () => {
      calls++;
      put(build('arch/x86/boot/bzImage'), 'image');
    });

  beforeEach(async () => {
    calls = 0;
    for (const file of ['arch/x86/kvm/vmx/vmx.c', 'virt/kvm/kvm_main.c', 'mm/memory.c', 'arch/x86/kvm.c'])
      put(tree(file));
    put(build('.config'));
    put(build('mm/.memory.o.cmd'), 'source_mm/memory.o := mm/memory.c');
    put(build('arch/x86/kvm/vmx/.vmx.o.cmd'), 'source := arch/x86/kvm/vmx/vmx.c virt/kvm/kvm_main.c');
    put(build('virt/kvm/.kvm_main.o.cmd'), 'source := arch/x86/kvm/../../../virt/kvm/kvm_main.c');
    put(build('virt/.built-in.a.cmd'), 'printf "virt/%s " lib/built-in.a | xargs ar');
    await later();
    await run();
    await later();
  });

  /** A file system's clock goes by ticks of some milliseconds. */
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

  it.each([
    ['nothing', () => {}],
    ['sources of modules', () => put(tree('arch/x86/kvm/vmx/vmx.c'), 'new')],
    ['files beside them', () => put(tree('virt/kvm/new.c'), 'new')],
  ])('is not built again when %s changed', async (_, change) => {
    change();
    await run();
    expect(calls).toBe(1);
  });

  it.each([
    ['another source', () => put(tree('mm/memory.c'), 'new')],
    ['one whose name begins alike', () => put(tree('arch/x86/kvm.c'), 'new')],
    [
      'one that says it is old',
      () => {
        put(tree('mm/memory.c'), 'new');
        utimesSync(tree('mm/memory.c'), 0, 0);
      },
    ],
    ['one that went', () => rmSync(tree('mm/memory.c'))],
    ['the configuration', () => put(build('.config'), 'CONFIG_X=y')],
    ['that the image was removed,', () => rmSync(build('arch/x86/boot/bzImage'))],
  ])('is built again when %s changed, once', async (_, change) => {
    change();
    await run();
    await later();
    await run();
    expect(calls).toBe(2);
  });

  it('is built again when its build failed', async () => {
    put(tree('mm/memory.c'), 'wrong');
    await expect(buildVmlinux(build(), tree(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await run();
    expect(calls).toBe(2);
  });

  it.each([
    ['mm/.memory.o.cmd', 'deps := arch/x86/kvm/mmu.h'],
    ['virt/.built-in.a.cmd', 'printf "virt/%s " lib/built-in.a kvm/built-in.a | xargs ar'],
  ])('is always built where, by %s, it is made of sources of modules', async (file, text) => {
    put(build(file), text);
    put(tree('mm/memory.c'), 'new');
    await run();
    await later();
    await run();
    expect(calls).toBe(3);
  });
});

describe('a module that was built', () => {
  const file = (depends: string): string => `\x7fELF\0license=GPL\0depends=${depends}\0intree=Y\0`;

  it('is what make made; its own file stays', async () => {
    put(build('arch/x86/kvm/kvm.ko'), file(''));
    put(build('arch/x86/kvm/kvm-intel.ko'), file('kvm'));

    const modules = await builtModules(build(), ['kvm', 'kvm-intel']);

    expect(modules.map(({ name, content }) => [name, String(content)])).toEqual([
      ['kvm', file('')],
      ['kvm-intel', file('kvm')],
    ]);
    expect(readFileSync(build('arch/x86/kvm/kvm.ko'), 'latin1')).toBe(file(''));
    expect(existsSync(build('arch/x86/kvm/kvm-amd.ko'))).toBe(false);
  });

  it('is refused when it needs one that nobody loads', async () => {
    put(build('arch/x86/kvm/kvm.ko'), file('irqbypass'));

    const refused = builtModules(build(), ['kvm']);

    await expect(refused).rejects.toThrow(LabError);
    await expect(refused).rejects.toThrow('kvm.ko needs irqbypass, which is not built in');
  });
});
