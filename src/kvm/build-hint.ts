import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root, from src and dist alike, and from the lab's bundle in dist/lab: what is not there hints at an install. */
const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The command that builds the addon and the guests: a checkout has scripts that the installed package has not. */
export const buildCommand = (root: string = ROOT): string =>
  existsSync(join(root, 'scripts', 'setup.mjs')) ? 'npm run build:native' : 'npm rebuild kvm-memtype';
