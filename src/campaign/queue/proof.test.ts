import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { scratchDir } from '../../../test/support/fake-host.js';
import { prove } from './proof.js';
import { LABELS } from './protocol.js';

const signal = new AbortController().signal;

function folder(): string {
  const path = scratchDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A program that gives these verdicts one after the other, and writes a recording where it is to. */
function programOf(statuses: readonly number[]) {
  const asked: string[][] = [];
  const run = async (args: readonly string[]) => {
    const record = args.indexOf('--record');
    if (record >= 0) writeFileSync(args[record + 1] as string, gzipSync('{\\"value\\":\\"#c06\\"}'));
    asked.push([...args]);
    return { status: statuses[asked.length - 1] ?? null, said: 'last words' };
  };
  return { run, asked };
}

it.each([
  ['gives what is known', [0, 1, 0, 1], undefined],
  ['fails what is right', [0, 1, 1, 1], /right gave status 1, 0 is known to be right: last words/],
  ['passes what is wrong', [0, 1, 0, 0], /wrong gave status 0, 1 is known to be right/],
  ['passes what was falsified', [0, 0, 0, 1], /falsified gave status 0/],
  ['skips all on its own KVM', [4], /KVM gave status 4/],
  ['is ended by a signal', [], /KVM gave status null/],
])('a worker that %s', async (_, statuses, why) => {
  const cache = folder();
  const { run } = programOf(statuses);

  const told = await prove({ labels: LABELS, cache, tries: true, signal, run });

  if (why === undefined) expect(told).toBeUndefined();
  else expect(told).toMatch(why);
  expect(readdirSync(cache)).toEqual([]);
});

it('tries what its labels say, each wrong thing after the right one', async () => {
  const { run, asked } = programOf([0, 1, 0, 1]);

  await prove({ labels: LABELS, cache: folder(), tries: true, signal, run });

  expect(asked.map(([command]) => command)).toEqual(['run', 'judge', 'run', 'run']);
  expect(asked.map((args) => args.includes('--patch'))).toEqual([false, false, false, true]);
});

it('tries nothing but its disk if it is told so', async () => {
  const { run, asked } = programOf([]);

  expect(await prove({ labels: LABELS, cache: folder(), tries: false, signal, run })).toBeUndefined();
  expect(asked).toEqual([]);
});
