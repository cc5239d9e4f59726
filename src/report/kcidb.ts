import { createHash } from 'node:crypto';
import { safeJson } from '../safe-text.js';
import { deathOf } from './crash.js';
import { departs } from './summary.js';
import { detailLines, fullName } from './text.js';
import type { Crash, ResultSet, RunResult, ScenarioResult, Status } from './types.js';

const ORIGIN = 'kvm_memtype';
const EXCERPT_MAX = 16_384;

const STATUS: Record<Status, string> = {
  pass: 'PASS',
  fail: 'FAIL',
  error: 'ERROR',
  timeout: 'ERROR',
  skip: 'SKIP',
};

const id = (...parts: (string | number)[]): string =>
  `${ORIGIN}:${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;

const path = (...parts: string[]): string =>
  ['kvm_memtype', ...parts].map((part) => part.replace(/[^a-zA-Z0-9_-]+/g, '_')).join('.');

const text = (value: string): string => value.replaceAll('\0', '');
/** The end of a log, as much of it as the schema lets in (it counts characters). */
const excerpt = (lines: readonly string[]): object =>
  lines.length > 0 ? { log_excerpt: text(lines.join('\n')).slice(-EXCERPT_MAX) } : {};

const environment = (set: ResultSet): object => ({
  comment: text(`${set.engine}: ${set.fingerprint.cpu}`),
  misc: { engine: set.engine, ...set.fingerprint },
});

function scenarioTest(build: string, set: ResultSet, startedAt: string, result: ScenarioResult): object {
  const leaves = result.checks.leaves ?? 0;
  return {
    id: id(build, fullName(result)),
    origin: ORIGIN,
    build_id: build,
    path: path(result.family, result.name),
    comment: text(fullName(result)),
    status: STATUS[result.status],
    start_time: startedAt,
    duration: result.durationMs / 1000,
    ...(result.status !== 'skip' && leaves > 0 ? { number: { value: leaves, unit: 'leaves' } } : {}),
    ...excerpt(result.skip ? [`${result.skip.reason} (${result.skip.lift})`] : detailLines(result)),
    environment: environment(set),
    misc: { policy: set.policy, checks: result.checks, failures: result.failures, errata: result.errata },
  };
}

function crashTest(build: string, set: ResultSet, startedAt: string, crash: Crash): object {
  const death = deathOf(crash);
  return {
    id: id(build, death.subject),
    origin: ORIGIN,
    build_id: build,
    path: path(death.subject),
    comment: text(`${crash.kind}: ${crash.reason}`),
    status: death.kcidb,
    start_time: startedAt,
    ...excerpt(crash.consoleTail),
    environment: environment(set),
  };
}

/** What a kernel that is of another policy than its version fails, where --strict was given. */
function policyTest(build: string, set: ResultSet, startedAt: string): object {
  return {
    id: id(build, 'policy'),
    origin: ORIGIN,
    build_id: build,
    path: path('policy'),
    comment: text(set.policy.warning ?? ''),
    status: 'FAIL',
    start_time: startedAt,
    environment: environment(set),
    misc: { policy: set.policy },
  };
}

const buildComment = ({ name, policy }: ResultSet): string =>
  text(policy.warning === undefined ? name : `${name}; warning: ${policy.warning}`);

/**
 * The run as a KCIDB report, schema v5.3. A kernel that was handed over as an image has no known source:
 * its checkout says no more than its release.
 */
export function renderKcidb(run: RunResult): string {
  const sets = run.sets.map((set, index) => {
    const checkout = id('checkout', run.startedAt, index, set.name, set.release);
    return { set, checkout, build: id('build', checkout) };
  });
  const report = {
    version: { major: 5, minor: 3 },
    checkouts: sets.map(({ set, checkout }) => ({
      id: checkout,
      origin: ORIGIN,
      comment: text(`Linux ${set.release}`),
      start_time: run.startedAt,
      valid: true,
    })),
    builds: sets.map(({ set, checkout, build }) => ({
      id: build,
      origin: ORIGIN,
      checkout_id: checkout,
      architecture: 'x86_64',
      status: 'PASS',
      comment: buildComment(set),
      start_time: run.startedAt,
    })),
    tests: sets.flatMap(({ set, build }) => [
      ...(set.crashed ? [crashTest(build, set, run.startedAt, set.crashed)] : []),
      ...(departs(set) ? [policyTest(build, set, run.startedAt)] : []),
      ...set.scenarios.map((result) => scenarioTest(build, set, run.startedAt, result)),
    ]),
  };
  return `${safeJson(JSON.stringify(report, null, 2))}\n`;
}
