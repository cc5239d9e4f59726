import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildCommand } from './build-hint.js';

it('a checkout is built by its script, an installed package by npm', () => {
  const root = mkdtempSync(join(tmpdir(), 'hint-'));
  const installed = buildCommand(root);
  mkdirSync(join(root, 'scripts'));
  writeFileSync(join(root, 'scripts/setup.mjs'), '');
  const checkout = buildCommand(root);
  rmSync(root, { recursive: true });

  expect([installed, checkout]).toEqual(['npm rebuild kvm-memtype', 'npm run build:native']);
});
