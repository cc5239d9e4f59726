import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'kernel-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const build = (output: string) => runCli(['kernel', 'build', '--source', 'debian:6.1', '--output', output]);

it('says that a device is full, and leaves it a device', async () => {
  const { status, stderr } = await build('/dev/full');

  expect(stderr).toContain('kvm-memtype: cannot write --output /dev/full: the disk is full\n');
  expect(status).toBe(2);
  expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
});

it('writes through a symbolic link', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  writeFileSync(at('old'), 'old');
  symlinkSync('old', at('link'));

  expect(await build(at('link'))).toMatchObject({ status: 0, stdout: `${at('link')}\n` });

  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(at('old')).equals(readFileSync(bzImage))).toBe(true);
});

it('writes into a named pipe', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  execFileSync('mkfifo', [at('fifo')]);
  const reader = spawn('sh', ['-c', 'cat "$1" >"$2"', 'sh', at('fifo'), at('read')]);
  const read = new Promise((done) => reader.once('close', done));

  expect(await build(at('fifo'))).toMatchObject({ status: 0 });
  await read;

  expect(statSync(at('fifo')).isFIFO()).toBe(true);
  expect(readFileSync(at('read')).equals(readFileSync(bzImage))).toBe(true);
});
