import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './built-files.js';

/** The command that builds the addon and the guests: a checkout has scripts that the installed package has not. */
export const buildCommand = (root: string = ROOT): string =>
  existsSync(join(root, 'scripts', 'setup.mjs')) ? 'npm run build:native' : 'npm rebuild kvm-memtype';
