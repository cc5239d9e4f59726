import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../../src/lab/cache.js';

const PACKAGES = ['tap-junit@5.0.4', 'tap-xunit@2.4.1', 'tap-spec@5.0.0'];

/** Programs that read TAP, from npm into the cache. They are no dependencies: they bring many old packages, and one test needs them. */
export function tapReaders(): string {
  const folder = join(cacheRoot(), 'tap-readers', PACKAGES.join('+'));
  const programs = join(folder, 'node_modules', '.bin');
  if (existsSync(programs)) return programs;
  mkdirSync(join(folder, '..'), { recursive: true });
  const partial = mkdtempSync(`${folder}.`);
  const options = ['--prefix', partial, '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options, ...PACKAGES], { stdio: 'pipe' });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return programs;
}
