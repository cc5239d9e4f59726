import { createHash } from 'node:crypto';
import { safeJson } from '../../text/safe.js';
import { variantOf } from '../label.js';
import { departs } from '../summary.js';
import type { Crash, ResultSet, RunResult, ScenarioResult, Status } from '../types.js';
import { deathOf } from './crash.js';
import { detailLines, fullName } from './text.js';

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

/** Runs that differ in module parameters or the engine are other tests, with a history of their own; the kernel is the build. */
const testPath = (set: ResultSet, ...parts: string[]): string =>
  path(...variantOf({ engine: set.engine, params: set.kernel?.params ?? [] }), ...parts);

const text = (value: string): string => value.replaceAll('\0', '');
/** The end of a log, as much of it as the schema lets in (it counts characters). */
const excerpt = (lines: readonly string[]): object =>
  lines.length > 0 ? { log_excerpt: text(lines.join('\n')).slice(-EXCERPT_MAX) } : {};

/** A set, its build, and the run that both are of. */
interface Place {
  run: RunResult;
  set: ResultSet;
  build: string;
}

/** What every test has: `name` tells it from the others of its build. */
const common = ({ run, set, build }: Place, name: string, ...parts: string[]): object => ({
  id: id(build, name),
  origin: ORIGIN,
  build_id: build,
  path: testPath(set, ...parts),
  start_time: run.startedAt,
  environment: {
    comment: text(`${set.engine}: ${set.fingerprint.cpu}`),
    misc: { engine: set.engine, ...set.fingerprint, ...(run.host && { host: run.host }) },
  },
});

function scenarioTest(place: Place, result: ScenarioResult): object {
  const leaves = result.checks.leaves ?? 0;
  return {
    ...common(place, fullName(result), result.family, result.name),
    comment: text(fullName(result)),
    status: STATUS[result.status],
    duration: result.durationMs / 1000,
    ...(result.status !== 'skip' && leaves > 0 ? { number: { value: leaves, unit: 'leaves' } } : {}),
    ...excerpt(result.skip ? [`${result.skip.reason} (${result.skip.lift})`] : detailLines(result)),
    misc: {
      policy: place.set.policy,
      checks: result.checks,
      failures: result.failures,
      errata: result.errata,
    },
  };
}

function crashTest(place: Place, crash: Crash): object {
  const { subject, kcidb } = deathOf(crash);
  return {
    ...common(place, subject, subject),
    comment: text(`${crash.kind}: ${crash.reason}`),
    status: kcidb,
    ...excerpt(crash.consoleTail),
  };
}

/** What a kernel that is of another policy than its version fails, where --strict was given. */
const policyTest = (place: Place): object => ({
  ...common(place, 'policy', 'policy'),
  comment: text(place.set.policy.warning ?? ''),
  status: 'FAIL',
  misc: { policy: place.set.policy },
});

/** A run that ended too early: told with the set that was the last. */
function incompleteTest(place: Place): object[] {
  const { incomplete, sets } = place.run;
  if (!incomplete || place.set !== sets.at(-1)) return [];
  const comment = text(`${incomplete.reason}: ${incomplete.text}`);
  return [{ ...common(place, 'complete', 'complete'), comment, status: 'MISS' }];
}

/** A run that ended before its first set has no build to tell it with: a checkout that nothing was done with. */
const unbegun = ({ incomplete, sets, startedAt }: RunResult): object[] =>
  incomplete && sets.length === 0
    ? [
        {
          id: id('checkout', startedAt),
          origin: ORIGIN,
          comment: text(`${incomplete.reason}: ${incomplete.text}`),
          start_time: startedAt,
        },
      ]
    : [];

const setTests = (place: Place): object[] => [
  ...incompleteTest(place),
  ...(place.set.crashed ? [crashTest(place, place.set.crashed)] : []),
  ...(departs(place.set) ? [policyTest(place)] : []),
  ...place.set.scenarios.map((result) => scenarioTest(place, result)),
];

const buildComment = ({ name, policy }: ResultSet): string =>
  text(policy.warning === undefined ? name : `${name}; warning: ${policy.warning}`);

/**
 * The run as a KCIDB report, schema v5.3. A kernel that was handed over as an image has no known source:
 * its checkout says no more than its release.
 */
export function renderKcidb(run: RunResult): string {
  const places = run.sets.map((set, index) => {
    const checkout = id('checkout', run.startedAt, index, set.name, set.release);
    return { run, set, checkout, build: id('build', checkout) };
  });
  const report = {
    version: { major: 5, minor: 3 },
    checkouts: [
      ...places.map(({ set, checkout }) => ({
        id: checkout,
        origin: ORIGIN,
        comment: text(`Linux ${set.release}`),
        start_time: run.startedAt,
        valid: true,
      })),
      ...unbegun(run),
    ],
    builds: places.map(({ set, checkout, build }) => ({
      id: build,
      origin: ORIGIN,
      checkout_id: checkout,
      architecture: 'x86_64',
      status: 'PASS',
      comment: buildComment(set),
      start_time: run.startedAt,
      misc: {
        ...set.kernel,
        ...(set.scope && { scenarios: set.scope }),
        ...(set.coverage && { coverage: set.coverage }),
        ...(set.fingerprint.version && { version: set.fingerprint.version }),
        tool: run.tool,
      },
    })),
    tests: places.flatMap(setTests),
  };
  return `${safeJson(JSON.stringify(report, null, 2))}\n`;
}
