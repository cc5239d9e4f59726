import { relative, resolve } from 'node:path';
import { safeText } from '../../text/safe.js';
import { departs, isBad } from '../summary.js';
import type { ResultSet, RunResult, ScenarioResult } from '../types.js';
import { deathOf } from './crash.js';
import { definitionOf } from './definitions.js';
import { counted, detailLines, fullName } from './text.js';

/** GitHub shows as many of a step of each kind, and drops the others (actions/runner: _maxCountPerIssueType). */
const MOST = 10;
/** Lines of an annotation: all are in the other formats. */
const MOST_LINES = 20;
const NAMES_TOLD = 20;

interface Annotation {
  kind: 'error' | 'warning';
  title: string;
  lines: readonly string[];
  file?: string | undefined;
  line?: number | undefined;
}

/** Where the annotated repository is, and what relative paths begin at. */
export interface Workspace {
  folder: string;
  cwd: string;
}

const thisWorkspace = (): Workspace => ({
  folder: process.env.GITHUB_WORKSPACE || process.cwd(),
  cwd: process.cwd(),
});

// What the runner takes for signs of its own (actions/runner: ActionCommand.cs).
const escapeData = (text: string): string =>
  safeText(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** A path as GitHub knows it: from the workspace on. What lies elsewhere is no file of the repository. */
function inWorkspace(file: string, { folder, cwd }: Workspace): string | undefined {
  const path = relative(resolve(cwd, folder), resolve(cwd, file));
  return path === '' || path.startsWith('..') ? undefined : path;
}

function command({ kind, title, lines, file, line }: Annotation, workspace: Workspace): string {
  const path = file === undefined ? undefined : inWorkspace(file, workspace);
  const properties = {
    ...(path === undefined ? {} : { file: path, ...(line && { line: String(line) }) }),
    title,
  };
  const given = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`);
  return `::${kind} ${given.join(',')}::${escapeData(lines.join('\n'))}`;
}

/** The beginning of long text, and its last line: that is the command that shows it again. */
function cut(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  const shown = MOST_LINES - 2;
  return [...lines.slice(0, shown), `(${lines.length - shown - 1} more lines)`, ...lines.slice(-1)];
}

function scenarioAnnotation(set: ResultSet, result: ScenarioResult): Annotation {
  const place =
    result.file === undefined
      ? definitionOf(`${result.family}/${result.name}`)
      : { file: result.file, line: result.failures.find(({ line }) => line !== undefined)?.line };
  return {
    kind: 'error',
    title: `${fullName(result)} on ${set.name}: ${result.status}`,
    lines: cut(detailLines(result)),
    ...place,
  };
}

function setAnnotations(set: ResultSet): Annotation[] {
  const { crashed, policy, name } = set;
  const annotations: Annotation[] = [];
  if (crashed)
    annotations.push({
      kind: 'error',
      title: `${name}: ${deathOf(crashed).text}`,
      lines: [`${crashed.kind}: ${crashed.reason}`, ...crashed.consoleTail.slice(-MOST_LINES)],
    });
  if (policy.warning !== undefined)
    annotations.push({
      kind: departs(set) ? 'error' : 'warning',
      title: `${name}: another policy than its version’s`,
      lines: [policy.warning],
    });
  return annotations;
}

const nameList = (names: readonly string[]): string[] =>
  names.length <= NAMES_TOLD
    ? [...names]
    : [...names.slice(0, NAMES_TOLD), `and ${names.length - NAMES_TOLD} more`];

/** As many as GitHub shows; the last one says what is left out. */
function bounded(annotations: readonly Annotation[]): readonly Annotation[] {
  if (annotations.length <= MOST) return annotations;
  const [shown, rest] = [annotations.slice(0, MOST - 1), annotations.slice(MOST - 1)];
  const [{ kind }] = rest as [Annotation];
  const what = counted(rest.length, `${kind}s`);
  return [
    ...shown,
    { kind, title: `kvm-memtype: ${what} more`, lines: nameList(rest.map(({ title }) => title)) },
  ];
}

/**
 * What is wrong as annotations of GitHub Actions, for the log of a step: the gravest first, and no more than GitHub shows. Where nothing
 * is wrong it is empty.
 * Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
 */
export function renderGithub(run: RunResult, workspace: Workspace = thisWorkspace()): string {
  const early: Annotation[] = run.incomplete
    ? [
        {
          kind: 'error',
          title: 'the run is incomplete',
          lines: [`${run.incomplete.reason}: ${run.incomplete.text}`],
        },
      ]
    : [];
  const scenarios = run.sets.flatMap((set) =>
    set.scenarios.filter(({ status }) => isBad(status)).map((result) => scenarioAnnotation(set, result)),
  );
  const all = [...early, ...run.sets.flatMap(setAnnotations), ...scenarios];
  const of = (kind: Annotation['kind']): readonly Annotation[] =>
    bounded(all.filter((one) => one.kind === kind));
  return [...of('error'), ...of('warning')].map((one) => `${command(one, workspace)}\n`).join('');
}
