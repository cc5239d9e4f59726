import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asNobody } from '../../test/support/nobody.js';
import { findTracefs } from './tracefs.js';

let dir: string;
const root = (): string => join(dir, 'tracing');
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kvm-memtype-tracefs-'));
  chmodSync(dir, 0o755);
  mkdirSync(root());
});
afterEach(() => rmSync(dir, { recursive: true }));

const roots = (): string[] => [join(dir, 'elsewhere'), root()];
const find = () => findTracefs(roots());

test('tracefs with the events of KVM is found', () => {
  mkdirSync(join(root(), 'instances'));
  mkdirSync(join(root(), 'events/kvmmmu'), { recursive: true });

  expect(find()).toEqual({ root: root() });
});

test('an empty mount point is told from a mount without KVM', () => {
  expect(find()).toMatchObject({ reason: 'tracefs is not mounted' });

  mkdirSync(join(root(), 'instances'));
  expect(find()).toMatchObject({ reason: 'the kernel has no kvmmmu trace events' });
});

test('tracefs that we may not enter is not called unmounted', () => {
  mkdirSync(join(root(), 'instances'));
  chmodSync(root(), 0);

  const found = asNobody(
    `import { findTracefs } from './src/observe/tracefs.js'; tell(findTracefs(${JSON.stringify(roots())}));`,
  );

  chmodSync(root(), 0o755);
  expect(found).toEqual({ reason: 'only root may read the kernel’s trace', lift: 'run as root' });
});
