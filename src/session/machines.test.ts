import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { ResultSet } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { type AgentRun, canWait, runAgent } from './engines.js';
import type { Outcome } from './outcome.js';
import { type RecordedKernel, readRecordingFile } from './recorded/read.js';
import { replayKernel } from './recorded/replay.js';
import { RunRecorder } from './recorded/writer.js';
import type { SessionRequest } from './request.js';
import { runSession } from './session.js';

vi.mock('./engines.js');

const MOST_DEATHS = 9;
const SCENARIOS = catalogue.slice(0, 11);
const NAMES = SCENARIOS.map(({ name }) => name);
const ENVIRONMENT = { type: 'environment', environment: environmentOf(policies.get('A') as Policy) };
const PANIC: Outcome = { kind: 'panic', reason: 'Kernel panic: at last', consoleTail: [] };
const DONE: Outcome = { kind: 'done', status: 0, kernelWarnings: [] };
const recorded = (scenario: string): object => ({
  type: 'recording',
  recording: { scenario, durationMs: 1, outcome: 'error', code: 'TRACE', message: 'recorded' },
});

const REQUEST: SessionRequest = {
  name: 'a kernel',
  target: { engine: 'bochs', kernel: 'bzImage', params: [] },
  scenarios: SCENARIOS,
  catalogue,
  policy: 'A',
  repeat: 1,
  timeoutMs: 10_000,
  rerun: () => 'again',
};
const LISTENER = { header: () => {}, scenario: () => {}, progress: () => {} };

/** What each machine was asked to do. */
let asked: string[][] = [];
beforeEach(() => {
  asked = [];
});

/** Run on machines whose kernel dies of some scenarios, or after them; what is told of each, in order. */
async function session(
  dies: { of?: readonly string[]; after?: string; boot?: true },
  change: Partial<SessionRequest> = {},
) {
  vi.mocked(runAgent).mockImplementation(async ({ spec, onLine }: AgentRun): Promise<Outcome> => {
    asked.push(spec.scenarios.map(({ name }) => name));
    const say = (message: object): void => onLine(JSON.stringify(message));
    if (dies.boot) return PANIC;
    say(ENVIRONMENT);
    for (const { name } of spec.scenarios) {
      say({ type: 'started', scenario: name });
      if (dies.of?.includes(name)) return PANIC;
      say(recorded(name));
      if (dies.after === name) return PANIC;
    }
    say({ type: 'end', count: spec.scenarios.length });
    return DONE;
  });
  const set = await runSession({ ...REQUEST, ...change }, LISTENER);
  return { set, told: set.scenarios.map(({ error }) => error ?? '') };
}

const isLost = (text: string): boolean => !text.includes('recorded');

test('a kernel that dies of a scenario costs that one: another machine does the rest', async () => {
  const { set, told } = await session({ of: [NAMES[3] as string] });

  expect(asked).toEqual([NAMES, NAMES.slice(4)]);
  expect(told.map(isLost)).toEqual(NAMES.map((_, i) => i === 3));
  expect(told[3]).toMatch(/the kernel died/);
  expect(set.crashed).toEqual(PANIC);
});

test('a kernel that dies between scenarios costs none', async () => {
  const { set, told } = await session({ after: NAMES[3] as string });

  expect(asked).toEqual([NAMES, NAMES.slice(4)]);
  expect(told.some(isLost)).toBe(false);
  expect(set.crashed).toEqual(PANIC);
});

// Each row: when no machine takes the place of one that died.
test.each<[string, Parameters<typeof session>, number]>([
  ['that does not boot', [{ boot: true }], 1],
  ['that dies of the last scenario', [{ of: NAMES.slice(-1) }], 1],
  ['that dies of every scenario', [{ of: NAMES }], MOST_DEATHS],
  ['whose time is over', [{ of: NAMES.slice(0, 1) }, { timeoutMs: 0 }], 1],
  ['that is this host’s own', [{ of: NAMES.slice(0, 1) }, { target: { engine: 'host', device: null } }], 1],
])('of a kernel %s there is a limited number of machines', async (_, args, machines) => {
  await session(...args);

  expect(asked).toHaveLength(machines);
});

describe('machines that come back for more', () => {
  const scenarios = catalogue.filter(({ needs }) => !needs.includes('gib-pages')).slice(0, 60);
  const shared = { scenarios, timeoutMs: 60_000 };
  beforeEach(() => vi.mocked(canWait).mockResolvedValue(true));
  afterEach(() => vi.mocked(canWait).mockReset());

  test('do all that there is, once', async () => {
    const { told } = await session({}, shared);

    expect(asked.flat().sort()).toEqual(scenarios.map(({ name }) => name).sort());
    expect(told).toHaveLength(scenarios.length);
    if (availableParallelism() > 1) expect(asked.length).toBeGreaterThan(4);
  });

  test('lose what the kernel dies of, and no more', async () => {
    const dies = [3, 30, 59].map((i) => scenarios[i]?.name ?? '');
    const { told } = await session({ of: dies }, shared);

    expect(told.map(isLost)).toEqual(scenarios.map(({ name }) => dies.includes(name)));
  });

  test('are not started for the rest once the kernel has died of too much', async () => {
    const { told } = await session({ of: scenarios.map(({ name }) => name) }, shared);

    expect(asked.length).toBeLessThanOrEqual(MOST_DEATHS + 1);
    expect(told.every(isLost)).toBe(true);
  });
});

test('scenarios that a run repeats are told apart', async () => {
  const twice = SCENARIOS.slice(0, 1) as [Scenario];
  const { told } = await session({ of: [twice[0].name] }, { scenarios: twice, repeat: 3 });

  expect(told.map(isLost)).toEqual([true, true, true]);
  expect(asked.map(({ length }) => length)).toEqual([3, 2, 1]);
});

describe('what was recorded of several machines', () => {
  let folder: string;
  let file: string;
  let set: ResultSet;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'machines-'));
    file = join(folder, 'deaths.kmr');
    const writer = new RunRecorder(file, {
      tool: { name: 'kvm-memtype', version: '1.0.0' },
      startedAt: '2026-01-01T00:00:00.000Z',
      planned: 1,
    });
    const recorder = writer.forKernel(REQUEST, { engine: 'auto', timeout: 10, param: [], files: {} });
    ({ set } = await session({ of: [NAMES[3] as string, NAMES[7] as string] }, { recorder }));
    await writer.finish({ durationMs: 1 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is judged again to the same result', async () => {
    const { kernels } = await readRecordingFile(file);

    expect(asked).toHaveLength(3);
    expect(replayKernel(kernels[0] as RecordedKernel, { rerun: () => 'again' }, LISTENER).set).toEqual(set);
  });

  const isSuccession = (line: string): boolean => line.includes('"type":"succeeded"');

  // Each row: what was done to the file, and what is said.
  test.each<[string, (lines: string[]) => string[], RegExp]>([
    ['one machine less', (lines) => lines.filter((line) => !isSuccession(line)), /a line of machine 1, of 1/],
    [
      'one machine more',
      (lines) => lines.flatMap((line) => (isSuccession(line) ? [line, line] : [line])),
      /3 ends of 5 machines/,
    ],
    [
      'a machine that never was',
      (lines) => lines.map((line) => (isSuccession(line) ? line.replace(/"lane":\d/, '"lane":9') : line)),
      /a line of machine 9, of 1/,
    ],
  ])('is refused with %s', async (_, change, why) => {
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
    writeFileSync(file, gzipSync(`${change(lines).join('\n')}\n`));

    await expect(readRecordingFile(file)).rejects.toThrow(why);
  });
});
