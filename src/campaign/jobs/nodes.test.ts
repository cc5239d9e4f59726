import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { scratchDir } from '../../../test/support/fake-host.js';
import { checkNodes } from './nodes.js';

/** A machine's nodes, beside what else is told of them. */
function folderOf(nodes: readonly string[]): string {
  const folder = scratchDir();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of nodes) mkdirSync(join(folder, name));
  for (const name of ['online', 'possible', 'has_cpu']) writeFileSync(join(folder, name), '0\n');
  return folder;
}

it('several NUMA nodes are enough', () => {
  expect(() => checkNodes(folderOf(['node0', 'node10']))).not.toThrow();
});

it.each([
  ['one', () => folderOf(['node0', 'power'])],
  ['none, as its kernel does not know of any', () => '/nonexistent'],
])('a machine with %s is refused in one sentence', (_, folder) => {
  expect(() => checkNodes(folder())).toThrow(/^this machine has one NUMA node: [^\n]+$/);
});
