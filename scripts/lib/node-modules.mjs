import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const readPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages ?? {};

/** Whether node_modules holds exactly what package-lock.json names (npm records it in a hidden lockfile). */
export function isInstalled(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const have = readPackages(hidden);
  const want = readPackages(join(root, 'package-lock.json'));
  return Object.entries(want).every(([place, { version, integrity, optional }]) => {
    if (place === '') return true;
    const installed = have[place];
    return installed ? installed.version === version && installed.integrity === integrity : optional === true;
  });
}

/** Where Node's own headers lie beside its binary, name them, so that no tool goes to fetch them. */
export function headerEnvironment(env = process.env) {
  const prefix = dirname(dirname(resolve(process.execPath)));
  const found = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return found && !env.npm_config_nodedir ? { ...env, npm_config_nodedir: prefix } : env;
}
