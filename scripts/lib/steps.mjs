import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const isSource = (file) => !file.endsWith('.test.ts');

/** CMake goes on building the folder that a build directory was configured in, also where that was moved or copied: begin anew. */
function forgetMovedBuild(root) {
  const cache = join(root, 'build/CMakeCache.txt');
  if (!existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  if (home !== realpathSync(root)) rmSync(join(root, 'build'), { recursive: true });
}

/**
 * What is built after the packages are there, in order. A step whose `needs` do not exist is left out;
 * one whose inputs have not changed since it last succeeded, and whose outputs exist, is not run again.
 * One with `checks` is for those only who check all that CI does.
 * @type {{ name: string, what: string, needs: string, inputs: string[], outputs: string[], checks?: boolean, keep?: (file: string) => boolean,
 *   before?: (root: string) => void, command: string, args: string[] }[]}
 */
export const STEPS = [
  {
    name: 'native',
    what: 'building the addon and the guests',
    needs: 'CMakeLists.txt',
    inputs: ['CMakeLists.txt', 'native', 'guests', 'package-lock.json'],
    outputs: ['build/Release/kvm_memtype.node', 'build/Release/probe.elf'],
    before: forgetMovedBuild,
    command: 'npm',
    args: ['run', '--silent', 'build:native'],
  },
  {
    name: 'ts',
    what: 'compiling TypeScript',
    needs: 'src/cli/main.ts',
    inputs: ['src', 'scripts/build', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    outputs: ['dist/cli/main.js', 'dist/program/main.js'],
    keep: isSource,
    // tsc would write nothing for files that its build info calls up to date, also where dist/ is gone.
    before: (root) => {
      if (!existsSync(join(root, 'dist/cli/main.js')))
        rmSync(join(root, 'build/tsc.tsbuildinfo'), { force: true });
    },
    command: 'npm',
    args: ['run', '--silent', 'build:ts'],
  },
  {
    name: 'agent',
    what: 'bundling the lab agent',
    needs: 'src/cli/agent.ts',
    inputs: [
      'src',
      'scripts/agent.mjs',
      'scripts/agent-loader.cjs',
      'scripts/lib/compiled-check.mjs',
      'package-lock.json',
    ],
    outputs: ['dist/lab/agent.cjs', 'dist/lab/agent.program.js', 'dist/lab/agent.program.cache'],
    keep: isSource,
    command: 'npm',
    args: ['run', '--silent', 'build:agent'],
  },
  {
    name: 'sqlite',
    what: 'building SQLite',
    checks: true,
    needs: 'node_modules/better-sqlite3/package.json',
    inputs: ['node_modules/better-sqlite3/package.json', 'scripts/campaign/sqlite.mjs'],
    outputs: ['node_modules/better-sqlite3/build/Release/better_sqlite3.node'],
    command: 'node',
    args: ['scripts/campaign/sqlite.mjs'],
  },
];
