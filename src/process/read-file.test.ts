import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readInput } from './read-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'input-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const SMALL = { limit: 4, why: 'the most for a test' };

it('reads a file up to its limit, through a link too', async () => {
  writeFileSync(at('file'), 'four');
  symlinkSync('file', at('link'));

  expect((await readInput(at('link'), SMALL)).toString()).toBe('four');
});

it('reads a large file whole', async () => {
  const bytes = Buffer.alloc(3 << 20, 'abc');
  writeFileSync(at('file'), bytes);

  expect((await readInput(at('file'), { limit: 4 << 20, why: '' })).equals(bytes)).toBe(true);
});

it('refuses what has no end, is too large or is not there, in one sentence, and opens no named pipe', async () => {
  execFileSync('mkfifo', [at('fifo')]);
  mkdirSync(at('dir'));
  writeFileSync(at('five'), 'fives');
  writeFileSync(at('huge'), '');
  truncateSync(at('huge'), 2 ** 40);
  symlinkSync('loop', at('loop'));
  const cases = [
    ['/dev/zero', 'it is a device, not a file'],
    ['/dev/null', 'it is a device, not a file'],
    [at('fifo'), 'it is a pipe, not a file'],
    [at('dir'), 'it is a folder, not a file'],
    [at('five'), 'it is larger than 4 bytes, the most for a test'],
    [at('huge'), 'it is larger than 4 bytes, the most for a test'],
    [at('loop'), 'its symbolic links go round in a circle'],
    [at('none'), 'there is no such file'],
    [at('five/x'), 'a part of its path is not a folder'],
  ] as const;
  for (const [path, reason] of cases)
    await expect(readInput(path, SMALL)).rejects.toThrow(`cannot read ${path}: ${reason}`);
});

it('names a limit of mebibytes as such', async () => {
  writeFileSync(at('file'), Buffer.alloc((1 << 20) + 1));

  await expect(readInput(at('file'), { limit: 1 << 20, why: 'x' })).rejects.toThrow('larger than 1 MiB, x');
});

it('takes for another program what is a regular file only', async () => {
  writeFileSync(at('file'), '');
  const again = (path: string) => readInput(path, { ...SMALL, again: true });

  await expect(again(at('file'))).resolves.toHaveLength(0);
  await expect(again('/dev/zero')).rejects.toThrow('cannot read /dev/zero: it is a device, not a file');
});

it.each([
  ['printf four | node read /dev/stdin', 'four\n'],
  ['node read <(sleep 0.1; printf four)', 'four\n'],
  ['node read <(yes)', /^cannot read \/dev\/fd\/\d+: it is larger than 4 bytes, the most for a test\n$/],
  ['node read /dev/stdin < <(printf four)', 'four\n'],
])('%s', (command, output) => {
  const module = new URL('./read-file.ts', import.meta.url).pathname;
  const contents = `import { readInput } from ${JSON.stringify(module)};
    const done = (text) => console.log(String(text));
    readInput(process.argv[2], ${JSON.stringify(SMALL)}).then(done, (error) => done(error.message));`;
  const outfile = at('read.mjs');
  buildSync({
    stdin: { contents, resolveDir: folder },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });

  const { stdout } = spawnSync('bash', [
    '-c',
    command.replace('node read', `'${process.execPath}' '${outfile}'`),
  ]);

  expect(stdout.toString()).toEqual(typeof output === 'string' ? output : expect.stringMatching(output));
});
