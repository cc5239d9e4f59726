import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { patiently } from '../patience.js';
import { NEEDS_KVM } from '../require.js';
import { BIN, runCli } from '../support/cli.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-files-'));
  file = join(folder, 'mine.json');
});
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = (name: string): string =>
  JSON.stringify({ name, title: 'Reads the PAT', needs: [], steps: [{ do: 'rdmsr', msr: 'PAT' }] });

/** Put another file in the place of this one, as editors and linkers do. */
function replace(text: string): void {
  writeFileSync(join(folder, 'new'), text);
  renameSync(join(folder, 'new'), file);
}

/** `run --watch`, in a process group of its own. */
function watching(...args: string[]) {
  const child = spawn(process.execPath, [BIN, 'run', file, '--watch', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  return {
    child,
    /** What it has written since it was asked last, once it waits. */
    async round(): Promise<string> {
      while (!text.includes('waiting for a change')) {
        if (child.exitCode !== null) throw new Error(`it ended: ${text}`);
        await sleep(20);
      }
      const said = text;
      text = '';
      return said;
    },
  };
}

test('it runs again at each change, goes on after a file that is none, and Ctrl-C leaves nothing', {
  ...NEEDS_KVM,
  timeout: patiently(60_000),
}, async () => {
  writeFileSync(file, scenario('my/first'));
  const run = watching(
    file,
    '--format',
    'json',
    '--output',
    join(folder, '..', `${process.pid}.json`),
    '--format',
    'pretty',
  );
  onTestFinished(() => rmSync(join(folder, '..', `${process.pid}.json`), { force: true }));

  expect(await run.round()).toMatch(
    /pass my\/first[\s\S]*kvm-memtype: waiting for a change of .*mine\.json; Ctrl-C ends it\n$/,
  );
  replace(scenario('my/second'));
  expect(await run.round()).toMatch(/pass my\/second/);
  writeFileSync(file, '{');
  expect(await run.round()).toMatch(
    /^kvm-memtype: .*mine\.json: it is not JSON: [^\n]*\nkvm-memtype: waiting [^\n]*\n$/,
  );
  rmSync(file);
  expect(await run.round()).toMatch(/^kvm-memtype: cannot read .*mine\.json: there is no such file\n/);
  writeFileSync(file, scenario('my/third'));
  expect(await run.round()).toMatch(/pass my\/third/);

  process.kill(-(run.child.pid as number), 'SIGINT');
  const [status, signal] = await once(run.child, 'close');

  expect([status, signal]).toEqual([null, 'SIGINT']);
  expect(readdirSync(folder)).toEqual(['mine.json']);
  expect(() => process.kill(-(run.child.pid as number), 0)).toThrow('ESRCH');
});

test('what can never be run, or would start itself again, is refused at once', async () => {
  writeFileSync(file, scenario('my/first'));

  const [inFolder, itself, list] = await Promise.all([
    runCli(['run', file, '--watch', folder, '--output', join(folder, 'r.json')]),
    runCli(['run', 'no/such', '--watch', file]),
    runCli(['run', file, '--watch', file, '--list']),
  ]);

  expect([inFolder.status, inFolder.stderr]).toEqual([
    2,
    `kvm-memtype: --watch would see that ${join(folder, 'r.json')} is written: put it into another folder\n`,
  ]);
  expect([itself.status, itself.stderr]).toEqual([
    2,
    'kvm-memtype: no scenario is called no/such; --list prints them all\n',
  ]);
  expect(list.status).toBe(2);
});
