import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ownProcessId } from '../process/owner.js';
import { sweepTracefs } from './tracefs.js';

/** No process has such an id: it is above the kernel's limit of 2^22. */
const DEAD = ownProcessId().replace(/^\d+/, '999999999');
const probe = (id: string): string => `p:kvm_memtype_${id.replaceAll('-', '_')}_0/zap kvm_zap_gfn_range`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tracefs-'));
  mkdirSync(join(root, 'instances'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('removes what dead processes left, and nothing of others', () => {
  const names = [`kvm-memtype-${DEAD}.0`, `kvm-memtype-${ownProcessId()}.0`, 'kvm-memtype-mine', 'other'];
  for (const name of names) mkdirSync(join(root, 'instances', name));
  const probes = join(root, 'kprobe_events');
  const lines = [probe(DEAD), probe(ownProcessId()), 'p:other/zap kvm_zap_gfn_range', ''].join('\n');
  writeFileSync(probes, lines);

  expect(sweepTracefs(root)).toEqual([]);

  expect(readdirSync(join(root, 'instances')).sort()).toEqual(names.slice(1).sort());
  expect(readFileSync(probes, 'utf8')).toBe(`${lines}-:${probe(DEAD).slice(2, -18)}\n`);
});

it('tells in a sentence of what cannot be removed', () => {
  const left = join(root, 'instances', `kvm-memtype-${DEAD}.0`);
  mkdirSync(join(left, 'full'), { recursive: true });

  expect(sweepTracefs(root)).toEqual([
    expect.stringMatching(
      /^cannot remove the tracing instance kvm-memtype-\S+ that a killed run left: ENOTEMPTY/,
    ),
  ]);
  expect(existsSync(left)).toBe(true);
});
