import { existsSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { join as joinWords } from 'shlex';

const NAME = 'kvm-memtype';

/** The package's root, from src and dist alike. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** How this program was started, and where. */
export interface Start {
  /** Folder of the package. */
  root: string;
  /** The file that Node was given. */
  program: string | undefined;
  cwd: string;
  env: NodeJS.ProcessEnv;
}

const thisStart = (): Start => ({
  root: ROOT,
  program: process.argv[1],
  cwd: process.cwd(),
  env: process.env,
});

/** A file as a shell in `cwd` runs it: by its relative path where it lies below, else by its whole one. */
function fromHere(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : `./${path}`;
}

/**
 * The words that start this program again: a checkout's launcher; npx, where that started it; the bare name, where PATH leads to it;
 * else the path that was run. npx costs seconds: it is named only where nothing quicker works.
 */
function programWords({ root, program, cwd, env }: Start): string[] {
  const launcher = join(root, NAME);
  if (existsSync(launcher)) return [fromHere(launcher, cwd)];
  if (env.npm_command === 'exec') return ['npx', NAME];
  if (program === undefined) return [NAME];
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const onPath = folders.some((folder) => resolve(folder) === dirname(program));
  return onPath ? [NAME] : [fromHere(program, cwd)];
}

/** A command line of this program that can be pasted into a shell where it was started. */
export const commandLine = (args: readonly string[], start: Start = thisStart()): string =>
  joinWords([...programWords(start), ...args]);
