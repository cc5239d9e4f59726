import { describe, expect, it } from 'vitest';
import type { Crash, ScenarioResult } from '../report/types.js';
import { answerOf, answerOfError } from './answer.js';

const result = (status: ScenarioResult['status'], more: Partial<ScenarioResult> = {}): ScenarioResult => ({
  family: 'msr',
  name: status,
  status,
  durationMs: 1,
  checks: {},
  failures: [],
  errata: [],
  ...more,
});

const failed = result('fail', {
  failures: [
    { step: 2, stepText: '', what: 'zap', expected: 'gone', seen: 'there', sources: [], rerun: 'run' },
  ],
});
const crash = (kind: string): Crash => ({ kind, reason: 'words of its own', consoleTail: [] });

describe('the answer for git bisect', () => {
  it.each([
    ['all passed', { scenarios: [result('pass')] }, 0, /^1 of 1 scenarios passed$/],
    ['some skipped', { scenarios: [result('pass'), result('skip')] }, 0, /passed, 1 skipped$/],
    ['all skipped', { scenarios: [result('skip')] }, 125, /everything was skipped/],
    ['one failed', { scenarios: [result('pass'), failed] }, 1, /^1 of 2 failed; msr\/fail, step 2: zap/],
    ['no verdict', { scenarios: [result('pass'), result('error', { error: 'why' })] }, 125, /: why$/],
    ['a timeout', { scenarios: [result('timeout')] }, 125, /no verdict/],
    ['failed, then died', { scenarios: [failed], crashed: crash('timeout') }, 1, /failed/],
    ['died of it', { scenarios: [result('error')], crashed: crash('panic') }, 1, /while msr\/error ran$/],
    ['died after it', { scenarios: [result('pass')], crashed: crash('oops') }, 1, /the kernel died/],
    ['does not boot', { scenarios: [result('skip')], crashed: crash('panic') }, 125, /^it does not boot: /],
    ['a dead emulator', { scenarios: [result('error')], crashed: crash('emulator-died') }, 125, /emulator/],
    ['time ran out', { scenarios: [result('error')], crashed: crash('timeout') }, 125, /time ran out/],
  ])('%s', (_, results, status, text) => {
    expect(answerOf(results)).toEqual({ status, text: expect.stringMatching(text) });
  });

  it('skips a commit for an error that is its own, and for no other', () => {
    const error = (code: string): Error => Object.assign(new Error('x.c:1'), { code });
    expect(answerOfError(error('LAB_BUILD'))).toEqual({ status: 125, text: 'it does not build: x.c:1' });
    expect(answerOfError(error('LAB_DISK_FULL'))).toBeUndefined();
    expect(answerOfError(error('toString'))).toBeUndefined();
    expect(answerOfError(new Error('x'))).toBeUndefined();
  });
});
