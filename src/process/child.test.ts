import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { type ChildOptions, runChild, startChild } from './child.js';

const shell = (script: string, o: Partial<ChildOptions> = {}) =>
  runChild('sh', ['-c', script], { endBy: 'SIGKILL', ...o });

test('its end, its lines and the last ones of both streams come back', async () => {
  const lines: string[] = [];
  const end = await shell('echo one; echo two >&2; exit 3', {
    onStdout: (line) => void lines.push(`out ${line}`),
    onStderr: (line) => void lines.push(`err ${line}`),
  });

  expect({ ...end, tail: end.tail.sort() }).toEqual({
    status: 3,
    killedBy: null,
    timedOut: false,
    tail: ['one', 'two'],
  });
  expect(lines.sort()).toEqual(['err two', 'out one']);
});

test('a tail has the last 40 lines, and no results', async () => {
  const { tail } = await shell('seq 100 >&2; echo result', { resultsOnStdout: true });

  expect(tail).toHaveLength(40);
  expect(tail.at(-1)).toBe('100');
});

test('it reads what it was given, and nothing where nothing was', async () => {
  expect((await shell('cat', { input: 'given' })).tail).toEqual(['given']);
  expect((await shell('cat')).tail).toEqual([]);
});

test('one that ends before it read all is no error', async () => {
  expect(await shell('exit 0', { input: 'x'.repeat(1 << 20) })).toMatchObject({ status: 0 });
});

test('the time limit ends it', async () => {
  expect(await shell('exec sleep 600', { timeoutMs: 50 })).toMatchObject({
    status: null,
    killedBy: 'SIGKILL',
    timedOut: true,
  });
});

test('an abort ends it, and starts none', async () => {
  const stop = new AbortController();
  const aborted = { code: 'PROCESS_ABORTED', message: 'the work was stopped' };
  const options = { signal: stop.signal, what: 'the work' };
  const running = shell('exec sleep 600', options);
  stop.abort();

  await expect(running).rejects.toMatchObject(aborted);
  await expect(shell('true', options)).rejects.toMatchObject(aborted);
});

test('it can be stopped', async () => {
  const child = startChild('sleep', ['600'], { endBy: 'SIGTERM' });
  child.stop();

  expect(await child.ended).toMatchObject({ killedBy: 'SIGTERM', timedOut: false });
});

test('one that is not installed, and one whose own tool is not', async () => {
  const options = { endBy: 'SIGTERM', env: { ...process.env, LC_ALL: 'C' } } as const;
  for (const more of [{}, { nice: true }, { withoutSignal: 'ALRM' }] as const)
    await expect(runChild('no-such-tool', [], { ...options, ...more })).rejects.toMatchObject({
      code: 'PROCESS_MISSING',
      tool: 'no-such-tool',
    });
  expect(await shell('no-such-tool')).toMatchObject({ status: 127 });
  await expect(runChild('true', [], { ...options, env: { PATH: '' } })).rejects.toMatchObject({
    code: 'PROCESS_START',
    tool: 'setpriv',
  });
});

test.each([
  ['ends it', {}, 'SIGALRM'],
  ['is kept from it', { withoutSignal: 'ALRM' } as const, null],
])('a signal %s', async (_, options, killedBy) => {
  const end = await runChild('sh', ['-c', 'kill -ALRM $$; exit 3'], { endBy: 'SIGTERM', ...options });

  expect(end).toMatchObject({ killedBy, status: killedBy === null ? 3 : null });
});

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('it dies with its parent, which is killed', async () => {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `
        import { startChild } from './child.js';
        startChild('sh', ['-c', 'echo $$; exec sleep 600'], { endBy: 'SIGKILL', detached: true, onStdout: console.log });
      `,
      resolveDir: import.meta.dirname,
    },
    ...{ bundle: true, write: false, platform: 'node', format: 'esm' },
  });
  const program = outputFiles[0]?.text ?? '';
  const parent = startChild(process.execPath, ['--input-type=module', '-e', program], {
    endBy: 'SIGKILL',
    onStdout: () => parent.stop(),
  });
  const { killedBy, tail } = await parent.ended;

  expect(killedBy).toBe('SIGKILL');
  expect(tail).toHaveLength(1);
  while (isAlive(Number(tail[0]))) await sleep(10);
});
