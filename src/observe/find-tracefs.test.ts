import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asNobody, CAN_BE_NOBODY } from '../../test/support/nobody.js';
import { findTracefs } from './tracefs.js';

let dir: string;
const root = (): string => join(dir, 'tracing');
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kvm-memtype-tracefs-'));
  chmodSync(dir, 0o755);
  mkdirSync(root());
});
afterEach(() => rmSync(dir, { recursive: true }));

const find = () => findTracefs([join(dir, 'elsewhere'), root()]);

test('tracefs with the events of KVM is found', () => {
  mkdirSync(join(root(), 'instances'));
  mkdirSync(join(root(), 'events/kvmmmu'), { recursive: true });

  expect(find()).toEqual({ root: root() });
});

test('an empty mount point is told from a mount without KVM', () => {
  expect(find()).toMatchObject({ missing: 'tracefs is not mounted' });

  mkdirSync(join(root(), 'instances'));
  expect(find()).toMatchObject({ missing: 'the kernel has no kvmmmu trace events' });
});

if (CAN_BE_NOBODY)
  test('tracefs that we may not enter is not called unmounted', () => {
    mkdirSync(join(root(), 'instances'));
    chmodSync(root(), 0);

    const found = asNobody(find);

    chmodSync(root(), 0o755);
    expect(found).toEqual({ missing: 'only root may read the kernel’s trace', lift: 'run as root' });
  });
