import { expect, test, vi } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { ScenarioResult } from '../report/types.js';
import type { Scenario } from '../scenario/types.js';
import { type AgentRun, runAgent } from './engines.js';
import type { Outcome } from './outcome.js';
import { runSession } from './session.js';

vi.mock('./engines.js');

const SCENARIOS = catalogue.slice(0, 3) as [Scenario, Scenario, Scenario];
const [FIRST, ...OTHERS] = SCENARIOS.map(({ name }) => name) as [string, string, string];
const ENVIRONMENT = { type: 'environment', environment: environmentOf(policies.get('A') as Policy) };
const recorded = (scenario: string): object => ({
  type: 'recording',
  recording: { scenario, durationMs: 1, outcome: 'error', code: 'TRACE', message: 'recorded' },
});
const END = { type: 'end', count: 3 };

/** Run the scenarios with an agent that prints these lines, and collect what is told of each. */
async function session(lines: readonly (object | string)[], kernelWarnings: string[] = []) {
  vi.mocked(runAgent).mockImplementation(async ({ onLine }: AgentRun): Promise<Outcome> => {
    for (const line of lines) onLine(typeof line === 'string' ? line : JSON.stringify(line));
    return { kind: 'done', status: 0, kernelWarnings };
  });
  const told: ScenarioResult[] = [];
  const warnings: string[] = [];
  const request = {
    name: 'this host',
    target: { engine: 'host', device: null },
    scenarios: SCENARIOS,
    catalogue,
    policy: 'A',
    repeat: 1,
    timeoutMs: 1000,
    rerun: () => 'again',
  } as const;
  const set = await runSession(request, {
    header: () => {},
    scenario: (result) => void told.push(result),
    progress: () => {},
    warning: (text) => void warnings.push(text),
  });
  return { set, warnings, told: told.map(({ error, skip }) => error ?? skip?.reason) };
}

test('a line that is no message ends nothing: what was recorded before and after it is told, and the agent is at fault', async () => {
  const { set, told } = await session([ENVIRONMENT, recorded(FIRST), '{"half', ...OTHERS.map(recorded), END]);

  expect(told).toEqual(Array(3).fill(expect.stringContaining('recorded')));
  expect(set.crashed).toMatchObject({
    kind: 'agent-died',
    reason: 'the agent sent a line that is not JSON: {"half',
  });
});

test('what has no recording beside such a line says so', async () => {
  const { told } = await session([ENVIRONMENT, recorded(FIRST), '{"half', END]);

  expect(told).toEqual([
    expect.stringContaining('recorded'),
    expect.stringMatching(/^not run: the agent died/),
    expect.stringMatching(/^not run: the agent died/),
  ]);
});

test('an agent that sends nothing but such lines has not started', async () => {
  await expect(session(['what is this?'])).rejects.toMatchObject({ code: 'WIRE' });
});

test('a warning of the kernel is told where no verdict has it', async () => {
  const kernelLog = { lines: [{ step: 0, text: 'WARNING: at a' }], lost: 0 };
  const { recording } = recorded(FIRST) as { recording: object };
  const first = { type: 'recording', recording: { ...recording, kernelLog } };

  const { warnings, set } = await session(
    [ENVIRONMENT, first, ...OTHERS.map(recorded), END],
    ['WARNING: at a', 'WARNING: at b'],
  );

  expect(warnings).toEqual(['the kernel under test said: WARNING: at b']);
  expect(set.scenarios[0]?.failures).toMatchObject([{ what: 'kernel log', seen: 'WARNING: at a' }]);
});

test('it is said once where the kernel’s log cannot be read', async () => {
  const blind = { ...ENVIRONMENT.environment, kernelLog: { reason: 'no root', lift: 'be root' } };
  const { warnings } = await session([
    { type: 'environment', environment: blind },
    ...[FIRST, ...OTHERS].map(recorded),
    END,
  ]);

  expect(warnings).toEqual(['warnings of the kernel are not checked: no root (be root)']);
});
