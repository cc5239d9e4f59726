import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isInstalled } from './node-modules.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modules-'));
  mkdirSync(join(root, 'node_modules'));
  const packages = {
    '': { name: 'x', version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'i' },
    'node_modules/for-another-system': { version: '1.0.0', optional: true },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
});
afterEach(() => rmSync(root, { recursive: true }));

const installed = (packages) =>
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));

it.each([
  ['nothing', undefined, false],
  ['what the lock file names', { 'node_modules/a': { version: '1.0.0', integrity: 'i' } }, true],
  ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'i' } }, false],
  ['another content', { 'node_modules/a': { version: '1.0.0', integrity: 'j' } }, false],
  ['too little', {}, false],
])('with %s installed', (_, packages, expected) => {
  if (packages) installed(packages);

  expect(isInstalled(root)).toBe(expected);
});
