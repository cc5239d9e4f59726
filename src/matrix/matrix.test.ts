import { expect, test } from 'vitest';
import { setOf } from '../../test/support/results.js';
import { catalogue } from '../catalogue/index.js';
import { policies } from '../memtype/index.js';
import type { ScenarioResult } from '../report/types.js';
import { selectScenarios } from '../session/select.js';
import { cellOf } from './cell.js';
import { expectedPolicy, KERNELS, PROPOSALS } from './data.js';
import { matrixStatus } from './status.js';
import { type Column, renderMatrix } from './table.js';

const PROPOSAL = { name: 'P4', title: 'PAT writes zap nothing', scenarios: ['pat'] };
const KERNEL = KERNELS.find(({ name }) => name === '6.1');

const result = (
  name: string,
  status: ScenarioResult['status'],
  more: Partial<ScenarioResult> = {},
): ScenarioResult => ({
  family: 'pat',
  name,
  status,
  durationMs: 1,
  checks: { leaves: 10, zaps: 2, msrs: 1 },
  failures: [],
  errata: [],
  ...more,
});
const all = (status: ScenarioResult['status'], more: Partial<ScenarioResult> = {}): ScenarioResult[] =>
  selectScenarios(catalogue, ['pat']).map(({ name }) => result(name.slice(4), status, more));

test('every pattern fits a scenario and every policy is known', () => {
  for (const { scenarios } of PROPOSALS)
    expect(selectScenarios(catalogue, scenarios).length).toBeGreaterThan(0);
  for (const { policy } of KERNELS) expect(policies.has(policy)).toBe(true);
});

test('a cell sums up what its scenarios checked', () => {
  const cell = cellOf(PROPOSAL, setOf(...all('pass')), catalogue);

  expect(cell).toMatchObject({ state: 'passed', failed: 0, leaves: 10 * cell.passed, zaps: 2 * cell.passed });
});

test('a scenario that has no result, or a bad one, fails its cell', () => {
  expect(cellOf(PROPOSAL, setOf(...all('pass').slice(1)), catalogue).state).toBe('failed');
  expect(cellOf(PROPOSAL, setOf(...all('timeout')), catalogue).state).toBe('failed');
});

test('a cell without a pass is skipped, with the reason', () => {
  const skip = { reason: 'this kernel has none', lift: 'take another' };

  expect(cellOf(PROPOSAL, setOf(...all('skip', { skip })), catalogue)).toMatchObject({
    state: 'skipped',
    reason: skip.reason,
  });
});

test('the table says what was found, skipped and wrong', () => {
  if (KERNEL === undefined) throw new Error('no kernels');
  const cell = cellOf(PROPOSAL, setOf(...all('pass')), catalogue);

  const text = renderMatrix(
    [PROPOSAL],
    [{ kernel: KERNEL, release: '6.1', policy: 'B', expectedPolicy: 'A', cells: [cell], failed: ['pat/x'] }],
    80,
  );

  expect(text).toMatch(/^policy +B$/m);
  expect(text).toMatch(/^P4 +\d+ passed$/m);
  expect(text).toContain('6.1: probing found policy B, not A\n');
  expect(text).toContain('6.1: pat/x failed\n');
});

test('every kernel has a policy without EPT too, and keeps its own under the legacy MMU', () => {
  const expected = (param: string): string[] => KERNELS.map((kernel) => expectedPolicy(kernel, [param]));

  expect(expected('kvm.tdp_mmu=N')).toEqual(KERNELS.map(({ policy }) => policy));
  const bases = [
    'A-4.4',
    'A-4.4',
    'A',
    'A',
    'A-6.5',
    'D-6.11',
    'D-6.11',
    'A',
    'A',
    'D-6.11',
    'D-6.11',
    'D',
    'E-6.12',
  ];
  expect(expected('kvm_intel.ept=N')).toEqual([
    ...[...bases, 'E-6.12', 'D-6.13'].map((base) => `none-${base}`),
    'none',
    'none',
    'none',
  ]);
});

/** A column of one cell whose scenarios all have this status. */
function columnOf(status: ScenarioResult['status'], more: Partial<Column> = {}): Column {
  if (KERNEL === undefined) throw new Error('no kernels');
  const skip = { reason: 'none\u001b[2J', lift: 'take another' };
  const cell = cellOf(PROPOSAL, setOf(...all(status, status === 'skip' ? { skip } : {})), catalogue);
  return {
    kernel: KERNEL,
    release: '6.1',
    policy: 'A',
    expectedPolicy: 'A',
    cells: [cell],
    failed: [],
    ...more,
  };
}

/** Each row: what happened, the columns, the exit status, which is that of `run`. */
const STATUSES: [string, Column[], number][] = [
  ['a pass', [columnOf('pass')], 0],
  ['a pass beside a kernel where all is skipped', [columnOf('pass'), columnOf('skip')], 0],
  ['everything skipped', [columnOf('skip'), columnOf('skip')], 4],
  ['a failure', [columnOf('pass'), columnOf('fail', { failed: ['pat/x'] })], 1],
  ['a failure that is in no cell', [columnOf('skip', { failed: ['msr/x'] })], 1],
  ['another policy', [columnOf('skip', { policy: 'B' })], 1],
];

test.each(STATUSES)('the exit status after %s', (_, columns, status) => {
  expect(matrixStatus(columns)).toBe(status);
});

test('the table lets nothing through that a terminal acts on', () => {
  const text = renderMatrix([PROPOSAL], [columnOf('skip', { failed: ['panic: \u009b2J\u202e'] })], 80);

  expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
});

/** The matrix as it is at its fullest: every kernel and proposal, large counts, a reason for each cell. */
function fullMatrix(width: number): string {
  const cell = { passed: 24, skipped: 12, failed: 0, leaves: 1234, zaps: 1234, msrs: 242 };
  const columns = KERNELS.map((kernel) => ({
    ...{ kernel, release: kernel.name, policy: kernel.policy, expectedPolicy: kernel.policy, failed: [] },
    cells: PROPOSALS.map(() => ({
      ...cell,
      state: 'passed' as const,
      reason: 'this kernel has no such device',
    })),
  }));
  return renderMatrix(PROPOSALS, columns, width);
}

test.each([40, 80, 132])('keeps to %i columns, with every kernel in it', (width) => {
  const lines = fullMatrix(width).split('\n');

  expect(lines.filter((line) => line.length > width)).toEqual([]);
  const kernels = lines
    .filter((line) => line.startsWith('kernel'))
    .flatMap((line) => line.split(/ +/).slice(1));
  expect(kernels).toEqual(KERNELS.map(({ name }) => name));
});

test('one reason on several kernels is told once', () => {
  const all = KERNELS.map(({ name }) => name).join(', ');

  expect(fullMatrix(1000)).toContain(`P5b, 12 skipped: this kernel has no such device; on ${all}\n`);
});
