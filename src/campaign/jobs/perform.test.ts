import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { git } from '../../../test/support/bisect-repo.js';
import { scratchDir } from '../../../test/support/fake-host.js';
import { perform } from './perform.js';

it.each([
  ['another commit is checked out', (tree: string) => git(tree, 'checkout', '-q', 'HEAD^')],
  ['a file is changed', (tree: string) => writeFileSync(join(tree, 'file'), 'other')],
  ['it is no git tree any more', (tree: string) => rmSync(join(tree, '.git'), { recursive: true })],
])('a kernel is not built from a tree that was another when the run began: %s', async (_, change) => {
  const tree = scratchDir();
  onTestFinished(() => rmSync(tree, { recursive: true, force: true }));
  git(tree, 'init', '-q');
  for (const text of ['one', 'two']) {
    writeFileSync(join(tree, 'file'), text);
    git(tree, 'add', 'file');
    git(tree, 'commit', '-qm', text);
  }
  const commit = git(tree, 'rev-parse', 'HEAD').trim();
  const job = { kind: 'build' as const, kernel: 'a', source: tree, commit, patches: [], configs: [] };
  const order = { job, objects: tree, scratch: tree, record: false };
  const around = {
    tool: { name: 'kvm-memtype' as const, version: '0' },
    host: undefined,
    commandLine: () => '',
    signal: new AbortController().signal,
    onProgress: () => {},
  };

  change(tree);

  await expect(perform(order, around)).rejects.toMatchObject({ code: 'CAMPAIGN_SOURCE' });
});
