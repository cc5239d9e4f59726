import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuildDir } from './builddir.js';
import { type Configured, configure } from './configure.js';
import type { WantedOption } from './kconfig.js';

/** A kernel tree whose configuration is what was appended, but for one option that it has as a module only. */
const MAKEFILE = `
tinyconfig:
	echo >> $(O)/runs
	echo CONFIG_TINY=y > $(O)/.config
olddefconfig:
	sed -i -e s/CONFIG_MODULAR=y/CONFIG_MODULAR=m/ -e /GONE/d -e /REFUSED/d $(O)/.config
`;

let dir: string;
let build: BuildDir;
let wanted: WantedOption[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'configure-test-'));
  put('tree/Makefile', MAKEFILE);
  put('tree/Kconfig', 'config A\nconfig MODULAR\nconfig REFUSED\n');
  put('tree/virt/kvm/Kconfig.extra', 'config B\n');
  put('tree/scripts/kconfig/conf.c', 'int main;\n');
  put('tree/arch/x86/configs/tiny.config', 'CONFIG_A=y\n');
  put('tree/kernel/a.c', 'int a;\n');
  build = new BuildDir(dir, join(dir, 'tree'), 'x');
  wanted = [option('A'), option('MODULAR'), option('GONE', true), option('REFUSED', true)];
  await build.open();
});

afterEach(() => rmSync(dir, { recursive: true }));

function put(name: string, text: string): void {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
}

const option = (name: string, optional = false): WantedOption => ({ name, value: 'y', optional });
const run = (): Promise<Configured> =>
  configure(build, { tree: join(dir, 'tree'), label: 'a test', wanted }, {});
const runs = (): number => readFileSync(join(build.path, 'runs'), 'utf8').length;

describe('configure', () => {
  it('says the same, and does nothing, when all is as it was', async () => {
    const first = await run();
    put('tree/kernel/a.c', 'int b;\n');
    const second = await run();

    expect(runs()).toBe(1);
    expect(first.modular).toEqual(['MODULAR']);
    expect(first.remarks).toEqual(['a test has no GONE', 'a test cannot have REFUSED']);
    expect(second).toMatchObject(first);
  });

  it.each([
    'tree/Kconfig',
    'tree/Makefile',
    'tree/virt/kvm/Kconfig.extra',
    'tree/scripts/kconfig/conf.c',
    'tree/arch/x86/configs/tiny.config',
    'build-x/.config',
  ])('configures again when %s changes, and when it is as before again', async (file) => {
    await run();
    const before = readFileSync(join(dir, file), 'utf8');
    appendFileSync(join(dir, file), '\n');
    await run();
    expect(runs()).toBe(2);
    await run();
    expect(runs()).toBe(2);
    put(file, before);
    await run();
    // The configuration as it should be needs nothing, however it came back.
    expect(runs()).toBe(file === 'build-x/.config' ? 2 : 3);
  });

  it('configures again for a file that kconfig reads and that is new, or gone', async () => {
    await run();
    put('tree/virt/new/Kconfig', 'config NEW\n');
    await run();
    expect(runs()).toBe(2);
    rmSync(join(dir, 'tree/virt/new/Kconfig'));
    await run();
    expect(runs()).toBe(3);
  });

  it('does not trust a note that was cut short', async () => {
    await run();
    put('build-x/.configured', '{"inputs":');
    await run();
    expect(runs()).toBe(2);
  });

  it('refuses what is refused each time, though the same was optional before', async () => {
    await run();
    wanted = [option('REFUSED')];
    for (let i = 0; i < 2; i++)
      await expect(run()).rejects.toMatchObject({ code: 'LAB_CONFIG', message: /dropped REFUSED=y/ });
    wanted = [option('A'), option('MODULAR'), option('GONE', true), option('REFUSED')];
    await expect(run()).rejects.toMatchObject({ code: 'LAB_CONFIG' });
  });

  it('tells a make that fails', async () => {
    put('tree/Makefile', 'tinyconfig:\n\tfalse\n');
    await expect(run()).rejects.toMatchObject({ code: 'LAB_CONFIG', message: 'cannot configure a test' });
  });
});
