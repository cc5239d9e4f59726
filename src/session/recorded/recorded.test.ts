import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { environmentOf } from '../../../test/support/environment.js';
import { catalogue } from '../../catalogue/index.js';
import { type Policy, policies } from '../../memtype/index.js';
import { packText } from '../../recording/wire.js';
import { renderJson } from '../../report/formats/json.js';
import { createReport, type Report } from '../../report/report.js';
import type { RunResult } from '../../report/types.js';
import type { Scenario } from '../../scenario/types.js';
import { type AgentRun, runAgent } from '../engines.js';
import type { Outcome } from '../outcome.js';
import type { SessionListener } from '../request.js';
import { runSession } from '../session.js';
import { readRecordingFile } from './read.js';
import { replayRun } from './replay.js';
import { RunRecorder } from './writer.js';

vi.mock('../engines.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorded-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SCENARIOS = catalogue.filter(({ name }) => name.startsWith('msr/')).slice(0, 3) as [
  Scenario,
  Scenario,
  Scenario,
];
const [FIRST, SECOND, THIRD] = SCENARIOS.map(({ name }) => name) as [string, string, string];
const ENVIRONMENT = { type: 'environment', environment: environmentOf(policies.get('A') as Policy) };
const HEAD = { durationMs: 1.25, kernelLog: { lines: [], lost: 0 } };
const failed = (scenario: string): object => ({
  type: 'recording',
  recording: { scenario, ...HEAD, outcome: 'error', code: 'TRACE', message: 'recorded' },
});
const trace = packText(Buffer.from('tracing_mark_write: step -1\n'));
const ran = (scenario: string): object => ({
  type: 'recording',
  recording: { scenario, ...HEAD, outcome: 'ran', infra: [], steps: [{ step: -1 }], trace },
});
const DONE: Outcome = { kind: 'done', status: 0, kernelWarnings: ['WARNING: at a'] };
const END = { type: 'end', count: 3 };
const WHOLE = [ENVIRONMENT, failed(FIRST), ran(SECOND), failed(THIRD), END];

const BEGIN = {
  tool: { name: 'kvm-memtype', version: '1.0.0' },
  startedAt: '2026-01-01T00:00:00.000Z',
} as const;
const SOURCES = { [FIRST]: { file: 'first.json', lines: [5, 6, 8] } };
const AGAIN = {
  engine: 'auto',
  timeout: 300,
  param: [],
  files: { [FIRST]: 'first.json' },
  lines: { [FIRST]: [5, 6, 8] },
};
const rerun = (scenario: string): string => `again ${scenario}`;

const listenerOf = (report: Report): SessionListener & Pick<Report, 'footer'> => ({
  header: (set) => report.header(set),
  scenario: (result) => report.scenario(result),
  footer: (set) => report.footer(set),
  progress: () => {},
});
const newReport = (): Report =>
  createReport([], { write: () => {}, color: false, width: 80 }, { ...BEGIN, planned: 1 });

/** Record a run in which the agent prints these lines and ends so; return its result. */
async function record(
  file: string,
  lines: readonly (object | string)[],
  end: Outcome | Error,
): Promise<RunResult> {
  vi.mocked(runAgent).mockImplementation(async ({ onLine }: AgentRun): Promise<Outcome> => {
    for (const line of lines) onLine(typeof line === 'string' ? line : JSON.stringify(line));
    if (end instanceof Error) throw end;
    return end;
  });
  const report = newReport();
  const recorder = new RunRecorder(file, { ...BEGIN, planned: 1 });
  const request = {
    name: 'this host',
    target: { engine: 'host', device: null },
    scenarios: SCENARIOS,
    catalogue,
    sources: SOURCES,
    policy: 'A',
    repeat: 1,
    timeoutMs: 1000,
    rerun,
  } as const;
  const listener = listenerOf(report);
  const why = await runSession({ ...request, recorder: recorder.forKernel(request, AGAIN) }, listener).then(
    (set) => void listener.footer(set),
    (error: Error) => ({ incomplete: { reason: 'failed', text: error.message } as const }),
  );
  const finish = { durationMs: 12.5, ...why };
  const result = report.finish(finish);
  await recorder.finish(finish);
  return result;
}

async function judged(file: string, policy?: string): Promise<RunResult> {
  const recorded = await readRecordingFile(file);
  const report = newReport();
  replayRun(recorded, { policy, rerun: (_, scenario) => rerun(scenario) }, listenerOf(report));
  return report.finish(recorded.end ?? { durationMs: 0, incomplete: { reason: 'unfinished', text: 'cut' } });
}

// Each row: what happened, what the agents printed, and how they ended.
test.each<[string, (object | string)[], Outcome | Error]>([
  ['came to its end', WHOLE, DONE],
  ['met a line that is no message', [...WHOLE.slice(0, 3), '{"half', ...WHOLE.slice(3)], DONE],
  [
    'lost its kernel',
    [ENVIRONMENT, failed(FIRST), { type: 'started', scenario: SECOND }],
    { kind: 'panic', reason: 'Fatal exception', consoleTail: ['Kernel panic \u001b[31m'] },
  ],
  ['could not start', [{ type: 'failed', code: 'KVM_OPEN', message: 'no KVM' }], { ...DONE, status: 2 }],
  ['was ended by an error', [ENVIRONMENT, failed(FIRST)], new Error('the lab is gone')],
])('the result of a run that %s is made again to the byte', async (_, lines, end) => {
  const file = join(folder, 'again.kmr');

  const result = await record(file, lines, end);

  expect(renderJson(await judged(file))).toBe(renderJson(result));
});

test('a recording of before lines were kept tells the file alone', async () => {
  const file = join(folder, 'old.kmr');
  await record(file, WHOLE, DONE);
  const text = gunzipSync(readFileSync(file)).toString();
  writeFileSync(file, gzipSync(text.replace(/,"lines":\{.*?\]\}/, '')));

  const [first, second] = (await judged(file)).sets[0]?.scenarios ?? [];
  expect([first?.file, second?.file]).toEqual(['first.json', undefined]);
});

test('it can be judged under another policy', async () => {
  const file = join(folder, 'other.kmr');
  await record(file, WHOLE, DONE);

  expect((await judged(file, 'E')).sets[0]?.policy).toMatchObject({ name: 'E', how: 'forced' });
});

test('one that is cut anywhere has what was done, and says that it is not all', async () => {
  const file = join(folder, 'whole.kmr');
  await record(file, WHOLE, DONE);
  const bytes = readFileSync(file);
  const cut = join(folder, 'cut.kmr');
  let most = 0;
  // The trailer of gzip is 8 bytes, and the end of its last block a few more.
  for (let size = 600; size < bytes.length - 40; size += 7) {
    writeFileSync(cut, bytes.subarray(0, size));
    const result = await judged(cut).catch((error: Error) => error.message);
    if (typeof result === 'string') {
      expect(result).toContain('nothing is in it');
      continue;
    }
    const done = result.sets[0]?.scenarios.length ?? 0;
    expect(done).toBeGreaterThanOrEqual(most);
    most = done;
    expect(result.incomplete?.reason).toBe('unfinished');
  }
  expect(most).toBe(3);
});

describe('a file that is no recording', () => {
  let text: string;
  beforeAll(async () => {
    const file = join(folder, 'good.kmr');
    await record(file, WHOLE, DONE);
    text = gunzipSync(readFileSync(file)).toString();
  });
  const lines = (): string[] => text.trimEnd().split('\n');
  const packed = (all: readonly string[]): Buffer => gzipSync(`${all.join('\n')}\n`);
  const changed = (from: string | RegExp, to: string): Buffer =>
    packed(text.trimEnd().replace(from, to).split('\n'));

  // Each row: what is wrong, the file, and what is said.
  const BAD: [string, () => Buffer, RegExp][] = [
    ['plain text', () => Buffer.from(text), /it is no recording: `run --record` packs them by gzip/],
    ['nothing', () => Buffer.alloc(0), /it is no recording/],
    ['nothing, packed', () => gzipSync(''), /nothing is in it/],
    [
      'damaged',
      () => Buffer.concat([gzipSync(text).subarray(0, 30), Buffer.alloc(99, 7)]),
      /it is damaged: /,
    ],
    ['a bomb', () => gzipSync(Buffer.alloc(257 << 20), { level: 1 }), /unpacked it is larger than 256 MiB/],
    ['no JSON', () => packed(['x']), /line 1 is no record of a recording: it is not JSON/],
    ['of a later version', () => changed('"version":1', '"version":2'), /line 1 .*: version: /],
    ['with a field too many', () => changed('"strict":', '"x":1,"strict":'), /line 2 .*kernel: .*"x"/],
    ['without its head', () => packed(lines().slice(1)), /a run begins once, and first/],
    ['with two heads', () => packed([...lines().slice(0, 1), ...lines()]), /a run begins once/],
    ['with lines of no kernel', () => packed(lines().toSpliced(1, 1)), /a line without a kernel/],
    [
      'with two kernels in one',
      () => packed(lines().toSpliced(2, 0, lines()[1] as string)),
      /a kernel begins before/,
    ],
    ['that goes on', () => packed([...lines(), lines()[1] as string]), /nothing follows the end/],
    ['with a machine too many', () => changed('"lane":0', '"lane":1'), /a line of machine 1, of 1/],
    [
      'with an end too many',
      () => changed('"outcomes":[', '"outcomes":[{"kind":"done","status":0,"kernelWarnings":[]},'),
      /2 ends of 1 machines/,
    ],
    ['with a line 0', () => changed('"lines":{"', '"lines":{"a/b":[0],"'), /line 2 .*lines\.a\/b\.0: /],
    ['with a slot of no scenario', () => changed('"slots":[[0', '"slots":[[9'), /there is no scenario 9/],
    [
      'with one scenario twice',
      () => changed(`"name":"${SECOND}"`, `"name":"${FIRST}"`),
      /two scenarios have one name/,
    ],
    [
      'with a scenario that is not legal',
      () => changed('"vcpu":0', '"vcpu":7'),
      /msr\/.*: steps\[0\]\.vcpu: /,
    ],
  ];
  it.each(BAD)('%s is refused in one sentence', async (_, bytes, why) => {
    const file = join(folder, 'bad.kmr');
    writeFileSync(file, bytes());

    const error = await readRecordingFile(file).catch((e: unknown) => e);

    expect(error).toMatchObject({ code: 'RECORDING_FILE' });
    expect((error as Error).message).toMatch(why);
    expect((error as Error).message).toMatch(/^cannot read [^\n]+$/);
  });
});
