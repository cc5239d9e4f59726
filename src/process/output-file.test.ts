import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkWritable, writeOutput } from './output-file.js';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

function fifo(): string {
  execFileSync('mkfifo', [at('fifo')]);
  return at('fifo');
}

/** A text of some MB, in short pieces. */
const LONG = 'a line of a text\n'.repeat(200_000);
function* longPieces(): Generator<string> {
  for (let at = 0; at < LONG.length; at += 999) yield LONG.slice(at, at + 999);
}

it('writes a text in pieces as it would as one', async () => {
  writeFileSync(at('file'), 'old', { mode: 0o640 });
  const pipe = fifo();
  // It keeps the pipe open for itself, so that we need not wait for it to begin.
  const reader = spawn('sh', [
    '-c',
    `exec 3<>"$1"; echo open; timeout 30 head -c "$2" <&3 >"$3"`,
    'sh',
    pipe,
    `${LONG.length}`,
    at('read'),
  ]);
  await once(reader.stdout, 'data');

  writeOutput(at('file'), longPieces());
  writeOutput(at('new'), longPieces());
  writeOutput(pipe, longPieces());
  await once(reader, 'close');

  for (const name of ['file', 'new', 'read']) expect(readFileSync(at(name), 'utf8') === LONG).toBe(true);
  expect(statSync(at('file')).mode & 0o777).toBe(0o640);
});

it('leaves an old file as it was if the pieces of the new one end in an error', () => {
  writeFileSync(at('file'), 'old');
  const broken = function* (): Generator<string> {
    yield LONG;
    throw new Error('no more');
  };

  expect(() => writeOutput(at('file'), broken())).toThrow('no more');

  expect(readFileSync(at('file'), 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['file']);
});

it('replaces a file whole, through a link too, and leaves nothing beside it', () => {
  writeFileSync(at('real'), 'a longer text than the new one');
  symlinkSync('real', at('link'));

  writeOutput(at('link'), 'new');

  expect(readFileSync(at('real'), 'utf8')).toBe('new');
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['link', 'real']);
});

it('keeps the mode of a file', () => {
  writeFileSync(at('secret'), 'old');
  chmodSync(at('secret'), 0o600);

  writeOutput(at('secret'), 'new');

  expect(statSync(at('secret')).mode & 0o7777).toBe(0o600);
});

it.runIf(isRoot)('keeps the owner of a file', () => {
  writeFileSync(at('theirs'), 'old');
  chownSync(at('theirs'), NOBODY, NOBODY);

  writeOutput(at('theirs'), 'new');

  expect(statSync(at('theirs'))).toMatchObject({ uid: NOBODY, gid: NOBODY });
  expect(readFileSync(at('theirs'), 'utf8')).toBe('new');
});

it('writes to a device instead of replacing it, and says that it is full', () => {
  writeOutput('/dev/null', 'text');

  expect(() => checkWritable('/dev/null')).not.toThrow();
  expect(() => writeOutput('/dev/full', 'text')).toThrow('cannot write --output /dev/full: the disk is full');
  expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
});

it('writes to the reader of a named pipe', async () => {
  const pipe = fifo();
  const reader = spawn('sh', ['-c', `exec 3<>"$1"; echo open; timeout 30 head -c 4 <&3`, 'sh', pipe]);
  const heard: Buffer[] = [];
  reader.stdout.on('data', (data) => heard.push(data));
  await once(reader.stdout, 'data');

  writeOutput(pipe, 'text');
  await once(reader, 'close');

  expect(Buffer.concat(heard).toString()).toBe('open\ntext');
  expect(statSync(pipe).isFIFO()).toBe(true);
});

it('does not wait for somebody to read a named pipe', () => {
  const pipe = fifo();

  expect(() => writeOutput(pipe, 'text')).toThrow(`cannot write --output ${pipe}: nobody reads it`);
});

it.each(['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])(
  'writes to the redirected file that %s is, behind what it holds',
  (name) => {
    const module = new URL('./output-file.ts', import.meta.url).pathname;
    const contents = `import { writeOutput } from ${JSON.stringify(module)}; writeOutput(process.argv[2], 'two');`;
    const bundled = at('script.mjs');
    buildSync({
      stdin: { contents, resolveDir: folder },
      outfile: bundled,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });

    spawnSync('sh', [
      '-c',
      `(echo one; exec "$1" "$2" "$3") >"$4"`,
      'sh',
      process.execPath,
      bundled,
      name,
      at('out'),
    ]);

    expect(readFileSync(at('out'), 'utf8')).toBe('one\ntwo');
  },
);

it('says in one sentence why a file cannot be written', () => {
  mkdirSync(at('sub'));
  writeFileSync(at('file'), '');
  symlinkSync('nowhere', at('dangling'));
  const cases = [
    [at('none/r'), 'its folder does not exist'],
    [at('sub'), 'it is a folder'],
    [at('file/r'), 'a part of its path is not a folder'],
    [at('dangling'), 'it is a symbolic link to nothing'],
    [at('x'.repeat(300)), 'its name is too long'],
  ] as const;
  for (const [file, reason] of cases) {
    const sentence = `cannot write --output ${file}: ${reason}`;
    expect(() => writeOutput(file, '')).toThrow(sentence);
    if (reason !== 'its name is too long') expect(() => checkWritable(file)).toThrow(sentence);
  }
  expect(() => checkWritable('')).toThrow('--output needs the name of a file');
});

it('finds a new file in an existing folder writable, without making it', () => {
  checkWritable(at('new'));

  expect(readdirSync(folder)).toEqual([]);
});
