import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'history-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('bisect', () => {
  // git takes 1 to 127 for a bad commit, but for 125, and stops at anything above.
  it.each([
    ['wrong usage', ['--nonsense'], /unknown option/],
    ['a folder that is no tree', ['--source', folder], /is not a kernel tree/],
    ['no such scenario', ['nosuch', '--source', folder], /no scenario is called nosuch/],
    ['a patch that is not there', ['--patch', join(folder, 'none')], /there is no such file/],
  ])('ends the bisection for %s', async (_, args, message) => {
    expect(await runCli(['bisect', ...args])).toMatchObject({
      status: 128,
      stderr: expect.stringMatching(message),
    });
  });
});

describe('series', () => {
  it.each([
    ['what is neither a file nor a range', ['no..where'], /no\.\.where is neither a file nor a range/],
    [
      'one file of several that is not there',
      ['a.patch', 'b.patch'],
      /cannot read a\.patch: there is no such/,
    ],
    ['a file of something else', [join(folder, 'text')], /text is neither an mbox nor a patch/],
  ])('refuses %s in one sentence', async (_, patches, message) => {
    writeFileSync(join(folder, 'text'), 'hello\n');
    const { status, stderr } = await runCli(['series', 'debian:6.1', ...patches]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
