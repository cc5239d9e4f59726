import { createHash } from 'node:crypto';
import { jsonPieces } from '../../text/json.js';
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

const words = (parts: readonly string[]): string =>
  parts.map((part) => part.replace(/[^a-zA-Z0-9_-]+/g, '_')).join('.');

const path = (...parts: string[]): string => words(['kvm_memtype', ...parts]);

const text = (value: string): string => value.replaceAll('\0', '');
/** The end of a log, as much of it as the schema lets in (it counts characters). */
const excerpt = (lines: readonly string[]): object =>
  lines.length > 0 ? { log_excerpt: text(lines.join('\n')).slice(-EXCERPT_MAX) } : {};

/** Which CI lab, and which hardware, KernelCI's dashboard shows a test under (kernelci/dashboard: misc->>'runtime', environment_misc->>'platform'). */
const runtimeOf = ({ engine }: ResultSet): string => `kvm-memtype-${engine === 'host' ? 'host' : 'lab'}`;
const platformOf = ({ engine, fingerprint }: ResultSet): string =>
  text(engine === 'host' ? fingerprint.cpu : engine);

/** A set, its build, and the run that both are of. */
interface Place {
  run: RunResult;
  set: ResultSet;
  build: string;
  /** What all tests of the set share, made once: there may be very many. */
  shared: { path: string; environment: object; runtime: string };
}

/** Runs that differ in module parameters or the engine are other tests, with a history of their own; the kernel is the build. */
const sharedOf = (run: RunResult, set: ResultSet): Place['shared'] => ({
  path: path(...variantOf({ engine: set.engine, params: set.kernel?.params ?? [] })),
  environment: {
    comment: text(`${set.engine}: ${set.fingerprint.cpu}`),
    misc: {
      platform: platformOf(set),
      engine: set.engine,
      ...set.fingerprint,
      ...(run.host && { host: run.host }),
    },
  },
  runtime: runtimeOf(set),
});

/** What every test has: `name` tells it from the others of its build. */
const common = ({ run, build, shared }: Place, name: string, ...parts: string[]): object => ({
  id: id(build, name),
  origin: ORIGIN,
  build_id: build,
  path: `${shared.path}.${words(parts)}`,
  start_time: run.startedAt,
  environment: shared.environment,
  misc: { runtime: shared.runtime },
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
      runtime: place.shared.runtime,
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
  misc: { runtime: place.shared.runtime, policy: place.set.policy },
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

/** Made one after the other: there may be more than fit into memory. */
function* setTests(place: Place): Generator<object> {
  yield* incompleteTest(place);
  if (place.set.crashed) yield crashTest(place, place.set.crashed);
  if (departs(place.set)) yield policyTest(place);
  for (const result of place.set.scenarios) yield scenarioTest(place, result);
}

function* allTests(places: readonly Place[]): Generator<object> {
  for (const place of places) yield* setTests(place);
}

const buildComment = ({ name, policy }: ResultSet): string =>
  text(policy.warning === undefined ? name : `${name}; warning: ${policy.warning}`);

/** What trees are called that all know by another name than their repository's. */
const TREES: Record<string, string> = {
  'torvalds/linux': 'mainline',
  'stable/linux': 'stable',
  'stable/linux-stable': 'stable',
  'next/linux-next': 'next',
};

function treeName(url: string): string {
  const [owner = '', name = ''] = url
    .replace(/(?:\.git)?\/*$/, '')
    .split('/')
    .slice(-2);
  return TREES[`${owner}/${name}`] ?? name;
}

/** As `sha256sum *.patch | cut -c-64 | sha256sum | cut -c-64` has it; of no patches it is empty. */
const patchsetHash = (patches: readonly string[]): string =>
  patches.length === 0
    ? ''
    : createHash('sha256')
        .update(patches.map((hash) => `${hash}\n`).join(''))
        .digest('hex');

/** What is known of the source. All that runs one commit shares a checkout. */
function sourceOf({ kernel }: ResultSet): { fields: object; key: string[] } | undefined {
  if (kernel?.git === undefined) return undefined;
  const { commit, branch, describe, url, patches } = kernel.git;
  const patchset = patchsetHash(patches);
  return {
    fields: {
      ...(url && { tree_name: text(treeName(url)), git_repository_url: text(url) }),
      ...(branch && { git_repository_branch: text(branch) }),
      ...(describe && { git_commit_name: text(describe) }),
      git_commit_hash: commit,
      patchset_hash: patchset,
    },
    key: [url ?? '', branch ?? '', commit, patchset],
  };
}

/** One of each id. */
const once = <T extends { id: string }>(objects: readonly T[]): T[] => [
  ...new Map(objects.map((object) => [object.id, object])).values(),
];

/**
 * The run as a KCIDB report, schema v5.3, in pieces. A kernel that was handed over as an image whose build is not known has no known source:
 * its checkout says no more than its release.
 */
export function* kcidbPieces(run: RunResult): Generator<string> {
  const places = run.sets.map((set, index) => {
    const source = sourceOf(set);
    const key = source?.key ?? [run.startedAt, index, set.name, set.release];
    const checkout = id('checkout', ...key);
    const build = id('build', checkout, run.startedAt, index, set.name);
    return { run, set, checkout, source, build, shared: sharedOf(run, set) };
  });
  yield* jsonPieces((hold) => ({
    version: { major: 5, minor: 3 },
    checkouts: [
      ...once(
        places.map(({ set, checkout, source }) => ({
          id: checkout,
          origin: ORIGIN,
          ...source?.fields,
          comment: text(`Linux ${set.release}`),
          start_time: run.startedAt,
          valid: true,
        })),
      ),
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
    tests: hold(allTests(places)),
  }));
  yield '\n';
}

/** The run as a KCIDB report. */
export const renderKcidb = (run: RunResult): string => [...kcidbPieces(run)].join('');
