import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packInto } from './pack.mjs';
import { tooNew } from './symbols.mjs';

// The package as `npm publish` would send it. That it installs without a compiler, and then runs, is tried on a bare Debian (scripts/bare.mjs).

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');

const folder = mkdtempSync(join(tmpdir(), 'package-'));
const unpacked = join(folder, 'package');
let tarball;
let files;

beforeAll(async () => {
  tarball = await packInto(folder, { here: true });
  const list = execFileSync('tar', ['-C', folder, '-xvzf', tarball], { encoding: 'utf8' });
  files = new Set(
    list
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, '')),
  );
  symlinkSync(join(ROOT, 'node_modules'), join(unpacked, 'node_modules'));
  mkdirSync(join(folder, 'user/node_modules'), { recursive: true });
  symlinkSync(unpacked, join(folder, 'user/node_modules/kvm-memtype'));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

test('it holds the program, built, and what is read, but no tests', () => {
  expect([...files]).toEqual(
    expect.arrayContaining([
      ...['README.md', 'LICENSE', 'CHANGELOG.md', 'docs/command-line.md', 'examples/hello.ts'],
      ...['bin/kvm-memtype.js', 'dist/program/main.js', 'dist/index.d.ts', 'schema/result-v1.json'],
      ...['kvm_memtype.node', 'probe.elf', 'hello.elf'].map((name) => `prebuilds/linux-x64/${name}`),
    ]),
  );
  expect([...files].filter((path) => /\.test\.|tsbuildinfo|(^|\/)test\//.test(path))).toEqual([]);
});

test('every module in it comes of a source', () => {
  const orphans = [...files].filter(
    (path) =>
      /^dist\/.*\.js$/.test(path) &&
      !/^dist\/(lab\/agent\.|program\/)/.test(path) &&
      !files.has(path.replace(/^dist/, 'src').replace(/js$/, 'ts')),
  );

  expect(orphans).toEqual([]);
});

test('links in its pages lead to files in it', () => {
  const pages = [...files].filter((path) => path.endsWith('.md'));
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(unpacked, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
      .map(([, target]) => normalize(join(page, '..', target)))
      .filter((target) => !files.has(target))
      .map((target) => `${page}: ${target}`),
  );

  expect(pages.length).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});

test.each([
  ['publint', ['run', '--strict']],
  // Node 10 knows no exports, and require() of ES modules is for Node 22: the package is for neither.
  ['attw', ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji']],
])(
  '%s finds nothing wrong',
  (tool, args) => {
    const [command, ...rest] =
      tool === 'publint' ? [...args.slice(0, 1), tarball, ...args.slice(1)] : [tarball, ...args];
    const { status, stdout, stderr } = spawnSync(join(BIN, tool), [command, ...rest], { encoding: 'utf8' });

    expect(`${stdout}${stderr}${status}`).toMatch(/0$/);
  },
  120_000,
);

const USER = `
import { decodeLeaf, Kvm, KVM_MEM_READONLY } from 'kvm-memtype';
import { explainPage, findPolicy, MtrrState } from 'kvm-memtype/model';
import { exitStatus, parseResults, renderResults, resultJsonSchema, type RunResult } from 'kvm-memtype/results';

const run: RunResult = {
  tool: { name: 'kvm-memtype', version: '1' }, startedAt: '2026-01-01T00:00:00.000Z', durationMs: 1, sets: [],
};
const again: RunResult = parseResults(renderResults(run, 'json'));
const status: 0 | 1 | 4 = exitStatus(again);
console.log(status, typeof Kvm.open, KVM_MEM_READONLY, findPolicy('6.1').name, typeof explainPage, typeof MtrrState);
console.log(typeof decodeLeaf, Object.keys(resultJsonSchema())[0]);
`;

test('a program in TypeScript compiles against its types, all of them checked, and runs', () => {
  const user = join(folder, 'user');
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(user, 'user.ts'), USER);
  const options = {
    ...{
      module: 'NodeNext',
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable'],
      strict: true,
      skipLibCheck: false,
    },
    ...{
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      rootDir: '.',
      preserveSymlinks: false,
    },
  };
  writeFileSync(
    join(user, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['user.ts'] }),
  );

  const tsc = spawnSync(join(BIN, 'tsc'), ['-p', user], { encoding: 'utf8' });
  expect(tsc.stdout).toBe('');
  const stdout = execFileSync('node', [join(user, 'user.js')], { encoding: 'utf8' });

  expect(stdout).toBe('4 function 2 A function function\nfunction $id\n');
}, 600_000);

test('the JSON Schemas can be imported', () => {
  const code = `import schema from 'kvm-memtype/schema/result-v1.json' with { type: 'json' }; console.log(schema.$id);`;
  const stdout = execFileSync('node', ['--no-warnings', '--input-type=module', '--eval', code], {
    cwd: join(folder, 'user'),
    encoding: 'utf8',
  });

  expect(stdout).toBe('urn:kvm-memtype:result:v1\n');
});

test.each([
  ['old ones', ['(GLIBC_2.2.5)', '(GLIBC_2.36)', '(GLIBCXX_3.4.30)', '(CXXABI_1.3.13)'], []],
  ['one of the C library', ['(GLIBC_2.2.5)', '(GLIBC_2.38)'], ['GLIBC_2.38']],
  ['one of the C++ library', ['(GLIBCXX_3.4.9)', '(GLIBCXX_3.4.32)'], ['GLIBCXX_3.4.32']],
])('of symbols that an addon needs, those that Debian 12 lacks are told: %s', (_, versions, expected) => {
  const text = versions.map((version) => `0000 DF *UND* 0000 ${version} name`).join('\n');

  expect(tooNew(text)).toEqual(expected);
});
