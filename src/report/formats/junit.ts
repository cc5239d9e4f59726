import { safeText } from '../../text/safe.js';
import { byFamily, type Counted, departs, summarize } from '../summary.js';
import type { ResultSet, RunResult, ScenarioResult } from '../types.js';
import { coverageLine } from './coverage.js';
import { deathOf } from './crash.js';
import { checkText, detailLines, errataLines, repeatName, SCOPES } from './text.js';

// What safeText() leaves and XML 1.0 has no way at all to write.
const FORBIDDEN = /[\ufffe\uffff]/g;
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

const clean = (text: string): string => safeText(text).replace(FORBIDDEN, '\u{fffd}');
const attribute = (text: string): string => clean(text).replace(/[&<>"\n]/g, (c) => ENTITIES[c] ?? c);
const content = (text: string): string => clean(text).replace(/[&<>]/g, (c) => ENTITIES[c] ?? c);

type Attributes = Record<string, string | number>;

const startOf = (name: string, attributes: Attributes): string =>
  [name, ...Object.entries(attributes).map(([key, v]) => `${key}="${attribute(String(v))}"`)].join(' ');

function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const start = startOf(name, attributes);
  if (children.length === 0) return `<${start}/>`;
  const inner = children.join('\n');
  return inner.startsWith('<') ? `<${start}>\n${inner}\n</${name}>` : `<${start}>${inner}</${name}>`;
}

/** An element of others, in pieces: it may be larger than a string. */
function* elements(
  name: string,
  attributes: Attributes,
  children: Iterable<string | Generator<string>>,
): Generator<string> {
  const start = startOf(name, attributes);
  let isEmpty = true;
  for (const child of children) {
    yield isEmpty ? `<${start}>\n` : '\n';
    isEmpty = false;
    if (typeof child === 'string') yield child;
    else yield* child;
  }
  yield isEmpty ? `<${start}/>` : `\n</${name}>`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

function verdict(result: ScenarioResult): string[] {
  const details = [...detailLines(result), ...errataLines([result])];
  const checks = checkText(result.checks);
  const body = bodyOf(details);
  const first = result.failures[0];
  switch (result.status) {
    case 'skip':
      return [
        element('skipped', { message: result.skip ? `${result.skip.reason} (${result.skip.lift})` : '' }),
      ];
    case 'fail':
      return [element('failure', { type: first?.what ?? 'fail', message: firstMessage(result) }, body)];
    case 'error':
    case 'timeout':
      return [element('error', { type: result.status, message: firstMessage(result) }, body)];
    default:
      return output([...(checks ? [`checked ${checks}`] : []), ...details]);
  }
}

const bodyOf = (lines: readonly string[]): string[] =>
  lines.length > 0 ? [lines.map(content).join('\n')] : [];
const output = (lines: readonly string[]): string[] =>
  lines.length > 0 ? [element('system-out', {}, bodyOf(lines))] : [];

function firstMessage(result: ScenarioResult): string {
  const [first] = result.failures;
  if (result.error || !first) return result.error ?? result.status;
  return `expected ${first.expected}; seen ${first.seen}`;
}

function testcase(suite: string, result: ScenarioResult): string {
  return element(
    'testcase',
    { classname: suite, name: repeatName(result), time: seconds(result.durationMs) },
    verdict(result),
  );
}

function suiteAttributes(name: string, set: Counted, ms: number): Attributes {
  const { counts, crashes, departures } = summarize([set]);
  return {
    name,
    tests: set.scenarios.length + crashes + departures,
    failures: counts.fail + departures,
    errors: counts.error + counts.timeout + crashes,
    skipped: counts.skip,
    time: seconds(ms),
  };
}

function properties(set: ResultSet): string {
  const { policy, fingerprint } = set;
  const all = {
    kernel: set.release,
    engine: set.engine,
    policy: `${policy.name} (${policy.how})`,
    ...(policy.warning === undefined ? {} : { warning: policy.warning }),
    ...(set.incomplete && { incomplete: set.incomplete.text }),
    ...(fingerprint.version && { 'kernel.version': fingerprint.version }),
    ...(set.kernel?.image && { 'kernel.image': set.kernel.image }),
    ...(set.kernel?.sha256 && { 'kernel.sha256': set.kernel.sha256 }),
    ...(set.kernel?.params.length && { 'kernel.params': set.kernel.params.join(' ') }),
    ...(set.scope && { scenarios: SCOPES[set.scope] }),
    ...(set.coverage && { coverage: coverageLine(set.coverage) }),
    cpu: fingerprint.cpu,
    ...(fingerprint.microcode && { microcode: fingerprint.microcode }),
    ...Object.fromEntries(
      Object.entries(fingerprint.params).map(([name, value]) => [`param.${name}`, value]),
    ),
  };
  return element(
    'properties',
    {},
    Object.entries(all).map(([name, value]) => element('property', { name, value })),
  );
}

/** What ended the set early as a case of its own, so that no reader of JUnit overlooks it. */
function crashSuite(set: ResultSet, timestamp: string): string[] {
  if (!set.crashed) return [];
  const { kind, reason, consoleTail } = set.crashed;
  const error = element('error', { type: kind, message: reason }, bodyOf([reason, ...consoleTail]));
  const { subject, claim } = deathOf(set.crashed);
  const name = `${set.name}.${subject}`;
  return [
    element(
      'testsuite',
      { ...suiteAttributes(name, { scenarios: [], crashed: set.crashed }, 0), timestamp },
      [element('testcase', { classname: name, name: claim, time: '0.000' }, [error])],
    ),
  ];
}

/** The failure of a kernel whose version means another policy, where --strict was given, as a case of its own. */
function policySuite(set: ResultSet, timestamp: string): string[] {
  if (!departs(set)) return [];
  const message = set.policy.warning ?? '';
  const failure = element('failure', { type: 'policy', message }, bodyOf([message]));
  const name = `${set.name}.policy`;
  return [
    element('testsuite', { ...suiteAttributes(name, { scenarios: [], policy: set.policy }, 0), timestamp }, [
      properties(set),
      element('testcase', { classname: name, name: 'is that of its version', time: '0.000' }, [failure]),
    ]),
  ];
}

function familySuite(set: ResultSet, family: string, scenarios: ScenarioResult[], timestamp: string) {
  const name = `${set.name}.${family}`;
  const ms = scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const children = function* (): Generator<string> {
    yield properties(set);
    for (const scenario of scenarios) yield testcase(name, scenario);
  };
  return elements('testsuite', { ...suiteAttributes(name, { scenarios }, ms), timestamp }, children());
}

function* suites(set: ResultSet, timestamp: string): Generator<string | Generator<string>> {
  for (const [family, scenarios] of byFamily(set.scenarios))
    yield familySuite(set, family, scenarios, timestamp);
  yield* policySuite(set, timestamp);
  yield* crashSuite(set, timestamp);
}

function* allSuites(run: RunResult): Generator<string | Generator<string>> {
  for (const set of run.sets) yield* suites(set, run.startedAt);
  yield* incompleteSuite(run);
}

/** What fails of a run that ended too early. */
function incompleteSuite({ incomplete, tool, startedAt }: RunResult): string[] {
  if (!incomplete) return [];
  const name = `${tool.name}.run`;
  const { reason, text } = incomplete;
  const error = element('error', { type: reason, message: text }, bodyOf([text]));
  return [
    element(
      'testsuite',
      { name, tests: 1, failures: 0, errors: 1, skipped: 0, time: '0.000', timestamp: startedAt },
      [element('testcase', { classname: name, name: 'is complete', time: '0.000' }, [error])],
    ),
  ];
}

/**
 * The run as JUnit XML, in pieces: a suite per kernel and family; the shape that GitLab, Jenkins and GitHub actions read.
 * Why something failed is in the content too: GitLab drops attributes where there is content, and shows a hash where there is none.
 */
export function* junitPieces(run: RunResult): Generator<string> {
  const { counts, crashes, departures } = summarize(run.sets);
  const early = run.incomplete ? 1 : 0;
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield* elements(
    'testsuites',
    {
      name: run.tool.name,
      tests: run.sets.reduce((sum, set) => sum + set.scenarios.length, crashes + departures + early),
      failures: counts.fail + departures,
      errors: counts.error + counts.timeout + crashes + early,
      time: seconds(run.durationMs),
    },
    allSuites(run),
  );
  yield '\n';
}

/** The run as JUnit XML. */
export const renderJunit = (run: RunResult): string => [...junitPieces(run)].join('');
