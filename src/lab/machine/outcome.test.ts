import { describe, expect, it } from 'vitest';
import { ConsoleWatch } from './console.js';
import { RunWatch } from './outcome.js';
import { NEXT_JOB } from './run.js';

interface Run {
  console?: string[];
  results?: string[];
  status?: number | null;
  killedBy?: string;
  log?: string;
  timeout?: boolean;
}

function outcomeOf(run: Run) {
  const lines: string[] = [];
  const watch = new RunWatch(new ConsoleWatch(), { onLine: (line) => void lines.push(line) });
  for (const line of run.results ?? []) watch.result(line);
  for (const line of run.console ?? []) watch.console(line);
  if (run.timeout) watch.stopFor('timeout', 'too long');
  const outcome = watch.outcome(
    { status: run.status ?? null, killedBy: run.killedBy ?? null },
    run.log ?? '',
  );
  watch.dispose();
  return { outcome, lines };
}

const PANIC = [
  'Run /init as init process',
  'Kernel panic - not syncing: sysrq triggered crash',
  '---[ end Kernel panic - not syncing: x ]---',
];
const OOPS = ['BUG: kernel NULL pointer dereference, address: 0000000000000008', 'Oops: 0002 [#1] SMP'];
const OFF = 'ACPI control: soft power off';

describe('RunWatch', () => {
  it.each<[string, Run, object]>([
    [
      'a status',
      { results: ['#lab start', '{}', '', '#lab exit 003'], status: 1, log: OFF },
      { kind: 'done', status: 3, kernelWarnings: [] },
    ],
    [
      'a panic',
      { console: PANIC, killedBy: 'SIGKILL' },
      { kind: 'panic', reason: 'Kernel panic: sysrq triggered crash' },
    ],
    [
      'an oops before its panic',
      { console: [...OOPS, ...PANIC], killedBy: 'SIGKILL' },
      { kind: 'oops', reason: OOPS[0] },
    ],
    ['an oops although the agent ended', { results: ['#lab exit 000'], console: OOPS }, { kind: 'oops' }],
    ['a timeout', { timeout: true, killedBy: 'SIGKILL' }, { kind: 'timeout', reason: 'too long' }],
    [
      'a killed emulator',
      { killedBy: 'SIGSEGV' },
      { kind: 'emulator-died', reason: expect.stringContaining('SIGSEGV') },
    ],
    [
      'an emulator that gave up',
      { status: 1, log: '00123p[CPU0  ] >>PANIC<< exception(): 3rd (13)' },
      { kind: 'emulator-died', reason: expect.stringContaining('3rd (13)') },
    ],
    [
      'a machine that went off first',
      { status: 1, log: OFF },
      { kind: 'no-agent', reason: expect.stringContaining('before it ran') },
    ],
    [
      'a machine that went off on the way',
      { results: ['#lab start'], status: 0 },
      { kind: 'no-agent', reason: expect.stringContaining('before the agent ended') },
    ],
  ])('tells %s', (_, run, expected) => {
    expect(outcomeOf(run).outcome).toMatchObject(expected);
  });

  it.each<[string, string[], boolean]>([
    ['waits', [], true],
    ['waits, of a kernel that has died', PANIC, false],
  ])('a machine that %s', (_, console, isWell) => {
    const watch = new RunWatch(new ConsoleWatch(true), { onLine: () => {} });
    let said = false;
    watch.onWaits = () => {
      said = true;
    };

    watch.result(NEXT_JOB.waits);
    for (const line of console) watch.console(line);

    expect([said, watch.isWell]).toEqual([true, isWell]);
    const outcome = watch.outcome({ status: null, killedBy: null }, '');
    expect(outcome).toMatchObject(isWell ? { kind: 'done', status: 0 } : { kind: 'panic' });
    watch.dispose();
  });

  it('hands out what the agent prints and nothing else', () => {
    const { lines } = outcomeOf({ results: ['#lab start', '{"a":1}', '', '#lab exit 000', 'late'] });
    expect(lines).toEqual(['{"a":1}']);
  });

  it('keeps the last lines of the console with a failure', () => {
    const console = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    const { outcome } = outcomeOf({ console, timeout: true });
    expect(outcome).toMatchObject({ consoleTail: expect.arrayContaining(['line 99']) });
    expect((outcome as { consoleTail: string[] }).consoleTail).not.toContain('line 0');
  });

  it('counts warnings from the start of the agent on, not those of the boot', () => {
    const warning = 'WARNING: CPU: 0 PID: 42 at arch/x86/kvm/mmu/mmu.c:1 f+0x1/0x2';
    const { outcome } = outcomeOf({
      console: [warning, 'Run /init as init process', warning],
      results: ['#lab exit 000'],
    });
    expect(outcome).toMatchObject({ kernelWarnings: [warning] });
  });
});
