import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withSeries } from './mails.js';

const folder = mkdtempSync(join(tmpdir(), 'mails-'));
const repository = join(folder, 'repository');
afterAll(() => rmSync(folder, { recursive: true }));

const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ä Test', '-c', 'user.email=t@localhost', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });

beforeAll(() => {
  mkdirSync(repository);
  git('init', '--quiet', '--initial-branch=main');
  for (const n of [0, 1, 2]) {
    writeFileSync(join(repository, 'file'), `${n}\n`);
    git('add', 'file');
    git(
      'commit',
      '--quiet',
      '-m',
      `KVM: x86: Change ${n} with a long subject that a mail has to break somewhere, über`,
    );
  }
  git('tag', 'base', 'HEAD~2');
});

/** Subjects, and how many lines each adds. */
const read = (files: string[], range?: string) =>
  withSeries({ files, range, repository }, async (patches) =>
    patches.map(({ subject, file }) => [
      subject,
      readFileSync(file, 'utf8')
        .match(/^\+\d$/gm)
        ?.join(),
    ]),
  );

const BOTH = [1, 2].map((n) => [
  `KVM: x86: Change ${n} with a long subject that a mail has to break somewhere, über`,
  `+${n}`,
]);

describe('a series', () => {
  it('is read from a range of commits', async () => {
    expect(await read([], 'base..main')).toEqual(BOTH);
  });

  it('is read from an mbox with a cover letter', async () => {
    const mbox = join(folder, 'series.mbox');
    writeFileSync(mbox, git('format-patch', '--stdout', '--cover-letter', 'base'));
    expect(await read([mbox])).toEqual(BOTH);
  });

  it('is read from files, of which one is a diff alone', async () => {
    const [mail, diff] = [join(folder, '1.patch'), join(folder, '2.diff')];
    writeFileSync(mail, git('format-patch', '--stdout', 'base..HEAD~1'));
    writeFileSync(diff, git('diff', 'HEAD~1'));
    expect(await read([mail, diff])).toEqual([BOTH[0], ['2.diff', '+2']]);
  });

  it.each([
    ['a range that there is not', [], 'base..nowhere', /is neither a file nor a range of commits in /],
    ['an option in its place', [], '--output=x', /^--output=x is neither a file nor a range/],
    ['a range of nothing', [], 'main..main', /^main..main holds no patch$/],
    ['a file of something else', [join(repository, 'file')], undefined, /is neither an mbox nor a patch/],
  ])('%s is refused', async (_, files, range, message) => {
    await expect(read(files, range)).rejects.toThrow(message);
  });
});
