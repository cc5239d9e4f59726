import { expect, test } from 'vitest';
import { fuzzTrial, readFuzz } from './fuzz-trial.mjs';
import { judge, tryMutant } from './trial.mjs';

const BASE = { policy: 'A', bad: ['msr/known'] };

/** What a run of `run` gives: which scenarios end how. */
const runOf = (statuses, more = {}) => ({
  status: Object.values(statuses).includes('fail') ? 1 : 0,
  set: {
    policy: { name: 'A' },
    scenarios: Object.entries(statuses).map(([id, status]) => {
      const [family, name] = id.split('/');
      return { family, name, status };
    }),
    ...more,
  },
});

const ROWS = [
  ['a scenario that fails', runOf({ 'mtrr/a': 'fail', 'mtrr/b': 'pass' }), 'killed', ['mtrr/a']],
  ['only what fails without the fault too', runOf({ 'msr/known': 'fail' }), 'survived', []],
  ['everything passes', runOf({ 'mtrr/a': 'pass', 'mtrr/b': 'skip' }), 'survived', []],
  [
    'the kernel died',
    runOf({ 'mtrr/a': 'error' }, { crashed: { kind: 'panic', reason: 'oh' } }),
    'died',
    ['mtrr/a'],
  ],
  [
    'the time ran out, whoever is to blame',
    runOf({ 'mtrr/a': 'error' }, { crashed: { kind: 'timeout', reason: 'late' } }),
    'no-run',
    ['mtrr/a'],
  ],
];

test.each(ROWS)('%s', (_, run, state, killers) => {
  expect(judge(run, BASE)).toMatchObject({ state, killers });
});

test('a run that could not be made is told as that', () => {
  expect(judge({ status: 2, error: 'no bochs' }, BASE)).toEqual({ state: 'no-run', why: 'no bochs' });
});

/** Runs that are answered in turn, and what was asked for. */
function answers(...runs) {
  const asked = [];
  const run = async (what) => {
    asked.push(what);
    return runs.shift();
  };
  return { asked, run };
}

test('what killed a mutant last time runs first, and alone if it does again', async () => {
  const { asked, run } = answers(runOf({ 'mtrr/a': 'fail' }));

  expect(await tryMutant(run, BASE, ['mtrr/a'])).toMatchObject({ state: 'killed' });
  expect(asked).toEqual([{ scenarios: ['mtrr/a'] }]);
});

test('if it does not, the whole catalogue runs', async () => {
  const { asked, run } = answers(runOf({ 'mtrr/a': 'pass' }), runOf({ 'mtrr/b': 'fail' }));

  expect(await tryMutant(run, BASE, ['mtrr/a'])).toMatchObject({ state: 'killed', killers: ['mtrr/b'] });
  expect(asked).toEqual([{ scenarios: ['mtrr/a'] }, {}]);
});

test('a mutant that passes for another policy has survived, whatever its own policy says', async () => {
  const { asked, run } = answers(
    runOf({ 'mtrr/a': 'pass' }, { policy: { name: 'B' } }),
    runOf({ 'mtrr/a': 'fail' }),
  );

  expect(await tryMutant(run, BASE)).toMatchObject({
    state: 'survived',
    why: 'taken for policy B; with --policy A: killed by mtrr/a',
  });
  expect(asked).toEqual([{}, { policy: 'A' }]);
});

const fuzzRun = (line, files = [], status = files.length) => ({
  status,
  files,
  lines: ['head', line],
  said: 'no bochs',
});

test('what random scenarios said', () => {
  expect(readFuzz(fuzzRun('212 scenarios, 200 passed, 12 skipped, 0 failed; seed 1, policy A, 9 s'))).toEqual(
    {
      tried: 212,
    },
  );
  expect(
    readFuzz(fuzzRun('60 scenarios, 50 passed, 8 skipped, 2 failed; seed 1', ['fuzz-s1-13.json'])),
  ).toEqual({ tried: 60, first: 13 });
  expect(readFuzz(fuzzRun('error', [], 2))).toEqual({ error: 'no bochs' });
});

test('a machine that ended by no fault of its kernel says nothing of a mutant; a dead kernel does', () => {
  const run = fuzzRun('60 scenarios, 59 passed, 0 skipped, 1 failed; seed 1', ['fuzz-s1-13.json']);
  const after = (line) => readFuzz({ ...run, lines: [line, ...run.lines.slice(1)] });

  expect(after('the time ran out (timeout: not over after 300 s)')).toEqual({
    error: 'the time ran out (timeout: not over after 300 s)',
  });
  expect(after('the kernel died (oops: BUG)')).toEqual({ tried: 60, first: 13 });
});

test('a fault is found by the first scenario that fails, unless that fails without it', async () => {
  const { run } = answers({ tried: 60, first: 13 }, { tried: 60, first: 13 }, { tried: 90 });
  const trial = fuzzTrial(run);

  expect(await trial.judge(trial.run, { bad: [] })).toEqual({ state: 'found', after: 14 });
  expect(await trial.judge(trial.run, { bad: ['fuzz/s1-13'] })).toMatchObject({ state: 'no-run' });
  expect(await trial.judge(trial.run, { bad: [] })).toEqual({ state: 'not-found', tried: 90 });
});
