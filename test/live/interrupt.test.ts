import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunResult } from '../../src/report/types.js';
import { NEEDS_KVM } from '../require.js';
import { runCli } from '../support/cli.js';
import { parseKtap } from '../support/ktap.js';
import { LongRun } from '../support/long-run.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interrupt-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const FILES = { json: 'r.json', ktap: 'r.ktap', junit: 'r.xml', pretty: 'r.txt', kcidb: 'k.json' };
const path = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(path(name), 'utf8');
const JOURNAL = `${FILES.json}.partial.jsonl`;

/** A run with an output of each format. */
const withOutputs = (): LongRun =>
  new LongRun(
    ...Object.entries(FILES).flatMap(([format, file]) => ['--format', format, '--output', path(file)]),
  );

/** Wait until the journal holds results. */
const someResults = (run: LongRun): Promise<true> =>
  run.until(() =>
    existsSync(path(JOURNAL)) && read(JOURNAL).includes('"type":"scenario"') ? true : undefined,
  );

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s, sent as a terminal does, leaves every output, marked, and ends the process by the signal',
  NEEDS_KVM,
  async (name) => {
    const run = withOutputs();
    await someResults(run);

    run.signalGroup(name);
    const { signal, stderr } = await run.end;

    const result = JSON.parse(read(FILES.json)) as RunResult;
    expect([signal, result.incomplete?.reason]).toEqual([name, 'interrupted']);
    expect(result.sets[0]?.crashed).toBeUndefined();
    expect(result.sets[0]?.scenarios.length).toBeGreaterThan(0);
    expect(result.sets[0]?.scenarios.filter(({ skip }) => skip?.reason.startsWith('not run'))).toEqual([]);
    for (const file of Object.values(FILES)) expect(read(file)).toContain(`interrupted by ${name}`);
    expect(parseKtap(read(FILES.ktap)).at(-1)).toMatchObject({ ok: false, name: 'the run is complete' });
    expect(stderr).not.toContain('died');
    expect(readdirSync(folder).sort()).toEqual(Object.values(FILES).sort());
  },
);

it('SIGKILL leaves the journal, and every format can be made from it', NEEDS_KVM, async () => {
  const run = withOutputs();
  await someResults(run);

  run.child.kill('SIGKILL');
  await run.end;

  const done = read(JOURNAL).match(/"type":"scenario"/g)?.length ?? 0;
  expect(readdirSync(folder)).toEqual([JOURNAL]);
  for (const format of Object.keys(FILES)) {
    const { status, stdout, stderr } = await runCli(['report', path(JOURNAL), '--format', format]);
    expect([format, status, stderr]).toEqual([format, 1, '']);
    expect(stdout).toContain('the run did not reach its end');
    if (format === 'json') expect((JSON.parse(stdout) as RunResult).sets[0]?.scenarios).toHaveLength(done);
  }
});

it(
  'a run that reaches its end leaves nothing but its outputs, and the journal that was asked for',
  NEEDS_KVM,
  async () => {
    const files = ['--output', path('r.json'), '--journal', path('j')];
    const { status } = await runCli(['run', 'msr/readback', ...files]);

    const again = await runCli(['report', path('j'), '--format', 'json']);

    expect(readdirSync(folder).sort()).toEqual(['j', 'r.json']);
    const run = JSON.parse(again.stdout) as RunResult;
    expect(again.status).toBe(status);
    expect(run).toEqual(JSON.parse(read('r.json')));
    expect(run.incomplete).toBeUndefined();
  },
);

it('a run that cannot begin leaves nothing', async () => {
  const { status } = await runCli(['run', 'no/such', '--output', path('r.json')]);

  expect([status, readdirSync(folder)]).toEqual([2, []]);
});

it("an agent that dies is the agent's death, not the kernel's", async () => {
  const run = new LongRun('--format', 'json');
  const agent = await run.agent();

  process.kill(agent, 'SIGILL');
  const { status, stdout } = await run.end;

  const [set] = (JSON.parse(stdout) as RunResult).sets;
  const lost = set?.scenarios.find(({ skip }) => skip?.reason.startsWith('not run'));
  expect(status).toBe(1);
  expect(set?.crashed).toMatchObject({ kind: 'agent-died', reason: 'it was ended by SIGILL' });
  expect(lost?.skip?.reason).toBe('not run: the agent died (agent-died: it was ended by SIGILL)');
});

it('and in KTAP the kernel stays alive', async () => {
  const run = new LongRun('--format', 'ktap');
  const agent = await run.agent();

  process.kill(agent, 'SIGKILL');
  const { stdout } = await run.end;

  const names = parseKtap(stdout)[0]
    ?.subtests.filter(({ ok }) => !ok)
    .map(({ name }) => name);
  expect(names).toContain('the agent stays alive');
  expect(names).not.toContain('the kernel stays alive');
});
