import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLine, type Start } from './invocation.js';

let folder: string;
let checkout: string;
let installed: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'invocation-'));
  checkout = join(folder, 'checkout');
  installed = join(folder, 'user/node_modules/kvm-memtype');
  for (const path of [checkout, installed]) mkdirSync(path, { recursive: true });
  writeFileSync(join(checkout, 'kvm-memtype'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const inCheckout = (): Start => ({
  root: checkout,
  program: join(checkout, 'bin/kvm-memtype.js'),
  cwd: checkout,
  env: { PATH: '/usr/bin' },
});
const inProject = (): Start => ({
  root: installed,
  program: join(folder, 'user/node_modules/.bin/kvm-memtype'),
  cwd: join(folder, 'user'),
  env: { PATH: '/usr/bin' },
});

it.each([
  ['in a checkout', () => inCheckout(), './kvm-memtype'],
  ['in a checkout, by npx', () => ({ ...inCheckout(), env: { npm_command: 'exec' } }), './kvm-memtype'],
  ['from above a checkout', () => ({ ...inCheckout(), cwd: folder }), './checkout/kvm-memtype'],
  ['in a folder of a checkout', () => ({ ...inCheckout(), cwd: installed }), () => `${checkout}/kvm-memtype`],
  ['installed in a project', inProject, './node_modules/.bin/kvm-memtype'],
  [
    'installed in a project, by npx',
    () => ({ ...inProject(), env: { npm_command: 'exec', PATH: join(folder, 'user/node_modules/.bin') } }),
    'npx kvm-memtype',
  ],
  [
    'installed for everybody',
    () => ({ ...inProject(), program: '/usr/local/bin/kvm-memtype', env: { PATH: '/bin:/usr/local/bin/' } }),
    'kvm-memtype',
  ],
  ['as a library', () => ({ ...inProject(), program: undefined }), 'kvm-memtype'],
])('a program that was started %s is named by what starts it again', (_, start, expected) => {
  const program = typeof expected === 'string' ? expected : expected();

  expect(commandLine(['run'], start())).toBe(`${program} run`);
});

it.each([
  [['run', 'mtrr/default-type'], 'run mtrr/default-type'],
  [['run', 'mtrr/*'], "run 'mtrr/*'"],
  [['--kernel', 'debian:6.1', '--param', 'kvm.tdp_mmu=N'], '--kernel debian:6.1 --param kvm.tdp_mmu=N'],
  [['--kernel', 'my kernels/$HOME;rm'], "--kernel 'my kernels/$HOME;rm'"],
  [['--kernel', "it's"], `--kernel 'it'"'"'s'`],
  [['--kernel', ''], "--kernel ''"],
])('%j is quoted for a shell only where a shell would change it', (args, expected) => {
  expect(commandLine(args, inCheckout())).toBe(`./kvm-memtype ${expected}`);
});
