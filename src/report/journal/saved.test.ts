import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { journalOf } from '../../../test/support/journal.js';
import { parseKtap } from '../../../test/support/ktap.js';
import { fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import { renderJson } from '../formats/json.js';
import { FORMATS } from '../outputs.js';
import { RENDER } from '../report.js';
import { exitStatus } from '../summary.js';
import { readSaved, runOfJournal } from './saved.js';

const planned = { ...fullRun(), planned: 3 };
const JOURNAL = journalOf(planned);
const FIRST = JOURNAL.indexOf('\n') + 1;

it('a whole journal comes to the run itself', () => {
  expect(runOfJournal(JOURNAL)).toEqual(planned);
});

it('one that is cut anywhere comes to what was done, and says that it is not all', () => {
  const all = planned.sets.flatMap((set) => set.scenarios);
  // The end lacks nothing but the line end.
  for (let cut = FIRST; cut < JOURNAL.length - 1; cut++) {
    const text = JOURNAL.slice(0, cut);
    const whole = text.match(/"type":"scenario"/g)?.length ?? 0;

    const run = runOfJournal(text);

    const found = run.sets.flatMap((set) => set.scenarios);
    expect(run.incomplete?.reason).toBe('unfinished');
    expect(found).toEqual(all.slice(0, found.length));
    expect([whole, whole - 1]).toContain(found.length);
  }
});

it('tells how far it came, and what was running', () => {
  const run = runOfJournal(JOURNAL.slice(0, JOURNAL.indexOf('\n', JOURNAL.indexOf('mtrr/default-type')) + 1));

  expect(run.incomplete?.text).toBe('the run did not reach its end, or has not yet; 0 of 3 kernels done');
  expect(run.sets[0]?.incomplete?.text).toBe(
    'the run did not reach its end, or has not yet; begun and without a result: mtrr/default-type',
  );
});

describe('an incomplete run', () => {
  const why = { reason: 'interrupted', text: 'interrupted by SIGINT; 1 of 3 kernels done' } as const;
  const broken = {
    ...setOf(scenarios.pass),
    incomplete: { ...why, text: 'interrupted by SIGINT; 1 of 5 scenarios done' },
  };
  const run = { ...runOf(setOf(scenarios.pass), broken), incomplete: why };

  test.each(FORMATS)('says so in %s', (format) => {
    const text = RENDER[format](run);

    expect(text).toContain('interrupted by SIGINT');
    expect(text).toContain('1 of 3 kernels done');
  });

  test('is no success for any reader', () => {
    const [, set, whole] = parseKtap(RENDER.ktap(run));
    const tests = JSON.parse(RENDER.kcidb(run)).tests as { path: string; status: string }[];

    expect(exitStatus(run)).toBe(1);
    expect([set?.ok, whole?.ok, whole?.name]).toEqual([false, false, 'the run is complete']);
    expect(RENDER.junit(run)).toContain('<testsuites name="kvm-memtype" tests="3" failures="0" errors="1"');
    expect(tests.filter(({ status }) => status !== 'PASS')).toMatchObject([
      { path: 'kvm_memtype.complete', status: 'MISS' },
    ]);
  });

  test.each(FORMATS)('says so in %s before any kernel has begun', (format) => {
    expect(RENDER[format]({ ...runOf(), incomplete: why })).toContain('interrupted by SIGINT');
  });
});

describe('readSaved', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'saved-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const save = (text: string): string => {
    const file = join(folder, 'r');
    writeFileSync(file, text);
    return file;
  };

  it('reads a journal, and what --format json wrote', () => {
    expect(readSaved(save(JOURNAL))).toEqual(planned);
    expect(readSaved(save(renderJson(planned)))).toEqual(planned);
  });

  const lines = JOURNAL.split('\n');
  const bad: [string, string, string][] = [
    ['nothing', '', 'neither a journal nor a result'],
    ['another file', 'hello\n', 'neither a journal nor a result'],
    ['other JSON', '{"a":1}', 'neither a journal nor a result'],
    [
      'a later version',
      JOURNAL.replace('"version":1', '"version":2'),
      'line 1 is no record of a journal: version',
    ],
    [
      'a line that is no JSON',
      [lines[0], 'x', ...lines.slice(1)].join('\n'),
      'line 2 is no record of a journal: it is not JSON',
    ],
    [
      'a record with a field of the wrong kind',
      JOURNAL.replace('"status":"pass"', '"status":"fine"'),
      'result.status',
    ],
    ['a run that begins twice', [lines[0], ...lines].join('\n'), 'a run begins once'],
    ['a set in a set', [...lines.slice(0, 2), ...lines.slice(1)].join('\n'), 'a set begins before'],
    ['a result without a set', [lines[0], ...lines.slice(2)].join('\n'), 'a result without a set'],
    ['what follows the end', `${JOURNAL}${lines[1]}\n`, 'nothing follows the end'],
    ['a result that is not valid', renderJson(planned).replace('"bochs"', '"qemu"'), 'sets.0.engine'],
  ];
  it.each(bad)('refuses %s in one sentence', (_, text, why) => {
    const file = save(text);

    expect(() => readSaved(file)).toThrow(new RegExp(`^cannot read ${file}: [^\\n]*${why}[^\\n]*$`));
  });

  it.each([
    ['/dev/zero', 'is not a regular file'],
    ['/nonexistent', 'there is no such file'],
    ['/tmp', 'is not a regular file'],
  ])('refuses %s', (file, why) => {
    expect(() => readSaved(file)).toThrow(why);
  });
});
