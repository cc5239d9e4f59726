import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from '../process/child.js';

/** A series cannot be read; the message says why. */
class SeriesError extends Error {
  readonly code = 'SERIES';
}

/** One patch of a series, as it is applied. */
export interface SeriesPatch {
  subject: string;
  /** A file with the diff. */
  file: string;
  /** Of the git repository that it is from. */
  commit?: string;
}

const END = { endBy: 'SIGTERM', resultsOnStdout: true } as const;
const LIMIT_MS = 60_000;

/** git-mailinfo(1) reads a mail of any encoding from its standard input. */
const MAILINFO = 'exec git mailinfo "$1" "$2" < "$3"';

/** What git says is wrong: its advice comes after that. */
const faultIn = (tail: readonly string[]): string =>
  tail.find((line) => /^(?:fatal|error): /.test(line))?.replace(/^\w+: /, '') ?? tail.at(-1) ?? 'git failed';

/** A tool's output, or an error in one sentence. */
async function run(
  tool: string,
  args: readonly string[],
  what: string,
  o: { cwd?: string } = {},
): Promise<string> {
  const lines: string[] = [];
  const { status, tail } = await runChild(tool, args, {
    ...END,
    ...o,
    timeoutMs: LIMIT_MS,
    onStdout: (line) => void lines.push(line),
  });
  if (status !== 0) throw new SeriesError(`${what}: ${faultIn(tail)}`);
  return `${lines.join('\n')}\n`;
}

/** What git-mailsplit(1) takes for the begin of an mbox, or git-am(1) for a mail. */
const MAIL = /^(?:From |From:|Subject:|Date:|Message-Id:|Received:|Return-Path:)/i;

/** Where a diff begins in a mail. */
const hasDiff = (patch: string): boolean => /^(?:diff --git |--- (?:a\/|\/dev\/null))/m.test(patch);

/** The first line of a mail that git-format-patch(1) made. */
const COMMIT = /^From ([0-9a-f]{40}) /;

const subjectOf = (info: string): string => /^Subject: (.*)$/m.exec(info)?.[1] ?? '';

/** One mail, taken apart as `git am` does; undefined for a cover letter. */
async function patchOfMail(mail: string, folder: string, name: string): Promise<SeriesPatch | undefined> {
  const file = join(folder, `${name}.patch`);
  const info = await run(
    'sh',
    ['-c', MAILINFO, 'sh', join(folder, `${name}.msg`), file, mail],
    `cannot read ${name}`,
  );
  if (!hasDiff(readFileSync(file, 'utf8'))) return undefined;
  const commit = COMMIT.exec(readFileSync(mail, 'utf8'))?.[1];
  return { subject: subjectOf(info) || name, file, ...(commit !== undefined && { commit }) };
}

/** The patches of one file: an mbox, a mail, or a diff alone. */
async function patchesOfFile(file: string, folder: string): Promise<SeriesPatch[]> {
  const text = readFileSync(file, 'utf8');
  if (!MAIL.test(text)) {
    if (!hasDiff(text)) throw new SeriesError(`${file} is neither an mbox nor a patch`);
    return [{ subject: file.replace(/^.*\//, ''), file }];
  }
  const mails = join(folder, 'mails');
  mkdirSync(mails, { recursive: true });
  await run('git', ['mailsplit', `-o${mails}`, '-b', file], `cannot split ${file} into mails`);
  const patches: SeriesPatch[] = [];
  for (const name of readdirSync(mails).sort()) {
    const patch = await patchOfMail(join(mails, name), folder, name);
    if (patch !== undefined) patches.push(patch);
  }
  return patches;
}

/**
 * The patches of a series, in order. Files are mboxes, mails or diffs; all else is a range of commits of a git repository.
 * @param work told where they are; these files go when it is done
 * @throws SeriesError
 */
export async function withSeries<T>(
  { files, range, repository }: { files: readonly string[]; range: string | undefined; repository: string },
  work: (patches: readonly SeriesPatch[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-series-'));
  try {
    const all = range === undefined ? files : [await mailsOfRange(range, repository, folder)];
    const patches: SeriesPatch[] = [];
    for (const [i, file] of all.entries()) {
      const own = join(folder, String(i));
      mkdirSync(own);
      patches.push(...(await patchesOfFile(file, own)));
    }
    if (patches.length === 0) throw new SeriesError(`${range ?? files.join(' ')} holds no patch`);
    return await work(patches);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function mailsOfRange(range: string, repository: string, folder: string): Promise<string> {
  if (range.startsWith('-')) throw new SeriesError(`${range} is neither a file nor a range of commits`);
  const args = ['format-patch', '--stdout', '--no-signature', '--end-of-options', range];
  const text = await run('git', args, `${range} is neither a file nor a range of commits in ${repository}`, {
    cwd: repository,
  });
  const file = join(folder, 'range.mbox');
  if (text.trim() === '') throw new SeriesError(`${range} holds no patch`);
  writeFileSync(file, text);
  return file;
}
