import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sweepTracefs, TraceInstance } from '../../src/observe/tracefs.js';
import { ownProcessId } from '../../src/process/owner.js';
import { requireOrSkip } from '../require.js';

let root: string;
let isMounted = false;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tracefs-test-'));
  isMounted = spawnSync('mount', ['-t', 'tracefs', 'nodev', root]).status === 0;
});
beforeEach((context) => {
  requireOrSkip(context, isMounted, 'tracefs that this user can mount');
});
afterAll(() => {
  if (isMounted) spawnSync('umount', [root]);
  rmdirSync(root);
});

const at = (name: string): string => join(root, 'instances', name);
const ours = (): string[] =>
  readdirSync(join(root, 'instances')).filter((name) =>
    name.includes(ownProcessId().split('-')[1] as string),
  );
const record = (): TraceInstance => new TraceInstance(root, process.pid, 4);

/** What a process that is gone left. */
const DEAD = ownProcessId().replace(/^\d+/, '999999999');

it('goes on where an instance bears our number, and where one of ours is there already', () => {
  mkdirSync(at(`kvm-memtype-${process.pid}`));
  try {
    using first = record();
    using second = record();

    expect(ours()).toHaveLength(2);
    expect(first.probeGroup).not.toBe(second.probeGroup);
  } finally {
    rmdirSync(at(`kvm-memtype-${process.pid}`));
  }
  expect(ours()).toEqual([]);
});

it('tells in a sentence of an instance that is held open, and removes it once it is not', () => {
  const name = `kvm-memtype-${DEAD}.0`;
  mkdirSync(at(name));
  const fd = openSync(join(at(name), 'trace_pipe'), 'r');

  const problems = sweepTracefs(root);
  closeSync(fd);

  expect(problems).toEqual([
    `cannot remove the tracing instance ${name} that a killed run left: somebody holds it open`,
  ]);
  expect(sweepTracefs(root)).toEqual([]);
  expect(existsSync(at(name))).toBe(false);
});

it('ends where somebody reads its own instance', () => {
  const trace = record();
  const [name = ''] = ours();
  const fd = openSync(join(at(name), 'trace'), 'r');

  trace.close();
  closeSync(fd);

  expect(ours()).toEqual([name]);
  rmdirSync(at(name));
});
