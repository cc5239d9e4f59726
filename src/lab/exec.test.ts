import { expect, test, vi } from 'vitest';
import { exhausted } from './errors.js';
import { cannotStart, exec, mustExec } from './exec.js';

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

test.each([
  [
    'make: fork: Resource temporarily unavailable',
    'LAB_RESOURCES',
    'no more processes can be started: the limit is reached',
  ],
  ['sh: 0: Cannot fork', 'LAB_RESOURCES', 'no more processes can be started: the limit is reached'],
  ['cc1: out of memory: Cannot allocate memory', 'LAB_RESOURCES', 'there is not enough memory'],
  ['patch: **** write error : No space left on device', 'LAB_DISK_FULL', 'the disk is full'],
])('a tool that says %j', async (line, code, reason) => {
  const run = mustExec('sh', ['-c', `echo '${line}' >&2; exit 2`], {
    code: 'LAB_BUILD',
    what: 'building it',
  });

  await expect(run).rejects.toMatchObject({ code, message: `building it: ${reason}` });
});

test.each([
  'a.c:1:9: error: ‘ENOMEM’ undeclared',
  '  12 |  pr_err("Cannot allocate memory");',
  'return -EAGAIN;',
])('a compiler that says %j has memory enough', (line) => {
  expect(exhausted('building it', [line])).toBeUndefined();
});

test('a tool that cannot be started is not called missing', () => {
  const failure = (errno: string) =>
    Object.assign(new Error(`spawn setpriv ${errno}`), { code: errno, syscall: 'spawn setpriv' });

  expect(cannotStart('setpriv', failure('EAGAIN'))).toMatchObject({
    code: 'LAB_RESOURCES',
    message: 'cannot start setpriv: no more processes can be started: the limit is reached',
  });
  expect(cannotStart('setpriv', failure('EMFILE')).message).toBe(
    'cannot start setpriv: spawn setpriv EMFILE',
  );
  expect(cannotStart('setpriv', failure('ENOENT')).code).toBe('LAB_TOOL_MISSING');
});

test('a tool that ends with 127 itself is not called missing', async () => {
  expect(await exec('sh', ['-c', 'no-such-thing'])).toMatchObject({ status: 127 });
});

test('an empty PATH is told as such', async () => {
  vi.stubEnv('PATH', '');

  await expect(exec('true', [])).rejects.toThrow('setpriv cannot be found: PATH is empty');
  vi.unstubAllEnvs();
});

test('an abort ends the tool and what it started', async () => {
  const stop = new AbortController();
  const running = exec('sleep', ['600'], { signal: stop.signal });
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'LAB_ABORTED' });
  await expect(exec('true', [], { signal: stop.signal })).rejects.toMatchObject({ code: 'LAB_ABORTED' });
});
