import { expect, test } from 'vitest';
import { exec, mustExec } from './exec.js';

test('output, status and the last lines come back', async () => {
  const lines: string[] = [];
  const result = await exec('sh', ['-c', 'echo one; echo two >&2; exit 3'], {
    onLine: (line) => void lines.push(line),
  });
  expect(result).toMatchObject({ status: 3, stdout: 'one\n' });
  expect([...result.tail].sort()).toEqual(['one', 'two']);
  expect([...lines].sort()).toEqual(['one', 'two']);
});

test.each([{}, { nice: true }])(
  'a tool that is not installed is named with its package (%j)',
  async (options) => {
    await expect(exec('no-such-tool', [], options)).rejects.toMatchObject({
      code: 'LAB_TOOL_MISSING',
      message: 'no-such-tool is not installed: apt-get install no-such-tool',
    });
  },
);

test('a full disk is told apart from other failures', async () => {
  const run = (script: string) => mustExec('sh', ['-c', script], { code: 'LAB_BUILD', what: 'cannot do it' });
  await expect(run('dd if=/dev/zero of=/dev/full count=1')).rejects.toMatchObject({ code: 'LAB_DISK_FULL' });
  await expect(run('echo no good >&2; exit 1')).rejects.toMatchObject({
    code: 'LAB_BUILD',
    tail: ['no good'],
  });
});

test('an abort ends the tool and what it started', async () => {
  const stop = new AbortController();
  const running = exec('sleep', ['600'], { signal: stop.signal });
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'LAB_ABORTED' });
  await expect(exec('true', [], { signal: stop.signal })).rejects.toMatchObject({ code: 'LAB_ABORTED' });
});
