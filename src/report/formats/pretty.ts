import picocolors from 'picocolors';
import { safeLine } from '../../text/safe.js';
import { hang } from '../../text/wrap.js';
import { departs, summarize } from '../summary.js';
import type { ResultSet, RunResult, ScenarioResult, SetHeader, Status } from '../types.js';
import { coverageDetails, coverageLine } from './coverage.js';
import { deathCounts } from './crash.js';
import { legendText } from './legend.js';
import { groupSkips } from './skips.js';
import { checkText, detailLines, errataLines, fullName, outcomeText, SCOPES, secondsText } from './text.js';

type Colors = ReturnType<typeof picocolors.createColors>;

/** As wide as the longest name of the catalogue: what was checked then fits beside it in two lines of 80 columns. */
const NAME_WIDTH = 26;
/** Columns of text, unless told. */
const WIDTH = 80;
/** Before what belongs to the line above. */
const DETAIL = '        ';
const HOW = { forced: 'as asked', probed: 'found by probing', hint: 'by version only' };

/** How text for people is to look. */
export interface Look {
  color: boolean;
  /** Columns that it may take. */
  width: number;
}

type Style = { c: Colors; width: number };

/**
 * Text for people, in pieces, so that each line can be shown as soon as it is known. What was skipped is told at the end of its
 * set, once for each reason.
 */
export interface PrettyWriter {
  header(set: SetHeader): string;
  scenario(result: ScenarioResult): string;
  footer(set: ResultSet): string;
  summary(run: RunResult): string;
}

const marks = (c: Colors): Record<Status, string> => ({
  pass: c.green('pass'),
  fail: c.red('FAIL'),
  skip: c.yellow('skip'),
  error: c.red('ERROR'),
  timeout: c.red('TIMEOUT'),
});

/** A line of detail; a command stays on one line, so that it can be copied. */
function detailText(line: string, { width }: Style): string {
  const isCommand = line.startsWith('again: ');
  return `${hang(DETAIL, safeLine(line), isCommand ? Number.POSITIVE_INFINITY : width)}\n`;
}

function scenarioText(style: Style, result: ScenarioResult): string {
  if (result.skip) return '';
  const { c, width } = style;
  const name = safeLine(fullName(result)).padEnd(NAME_WIDTH);
  const after = [outcomeText(result), secondsText(result.durationMs)].filter(Boolean).join('; ');
  const line = hang(`  ${marks(c)[result.status]} ${name} `, c.dim(safeLine(after)), width);
  return `${line}\n${detailLines(result)
    .map((detail) => detailText(detail, style))
    .join('')}`;
}

/** Say once for each reason what was skipped and what would let it run. */
function skipsText({ c, width }: Style, scenarios: readonly ScenarioResult[]): string {
  const lines = groupSkips(scenarios).flatMap(({ reason, lift, scenarios: names, count }) => [
    hang(`  ${marks(c).skip} `, safeLine(count === 1 ? `${names}: ${reason}` : `${count}: ${reason}`), width),
    ...(count === 1 ? [] : [hang(DETAIL, c.dim(safeLine(names)), width)]),
    hang(DETAIL, c.dim(safeLine(`to run ${count === 1 ? 'it' : 'them'}: ${lift}`)), width),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

function footerText(style: Style, set: ResultSet): string {
  const { c, width } = style;
  const { crashed, policy } = set;
  const lines = errataLines(set.scenarios).map((line) => hang('  ', safeLine(line), width));
  if (crashed) {
    lines.push(hang('  ', c.red(safeLine(`${crashed.kind}: ${crashed.reason}`)), width));
    lines.push(...crashed.consoleTail.map((line) => hang(DETAIL, safeLine(line), width)));
  }
  if (set.incomplete) lines.push(hang('  ', c.red(safeLine(`incomplete: ${set.incomplete.text}`)), width));
  if (policy.explainedBy.length > 0) {
    const names = safeLine(policy.explainedBy.join(', '));
    lines.push(hang('  ', `all that was seen is explained by: ${names}`, width));
  }
  if (set.coverage) {
    lines.push(hang('  ', coverageLine(set.coverage), width));
    lines.push(...coverageDetails(set.coverage).map((line) => hang(DETAIL, safeLine(line), width)));
  }
  return skipsText(style, set.scenarios) + lines.map((line) => `${line}\n`).join('');
}

function headerText({ c, width }: Style, set: SetHeader): string {
  const { name, how, warning } = set.policy;
  const about = safeLine(
    `Linux ${set.release} on ${set.engine}, policy ${name} (${HOW[how]})${set.scope ? `, ${SCOPES[set.scope]}` : ''}`,
  );
  const head = `${hang('', `${c.bold(safeLine(set.name))}: ${about}`, width, 4)}\n`;
  if (warning === undefined) return head;
  const [mark, color] = departs(set) ? (['FAIL', c.red] as const) : (['warning', c.yellow] as const);
  return `${head}${hang('  ', color(`${mark}: ${safeLine(warning)}`), width)}\n`;
}

function summaryText({ c, width }: Style, run: RunResult): string {
  const { counts, checks, departures } = summarize(run.sets);
  const parts: [number, string, (text: string) => string][] = [
    [counts.fail, 'failed', c.red],
    [counts.error, 'errors', c.red],
    [counts.timeout, 'timed out', c.red],
    [departures, `of another policy than ${departures === 1 ? 'its version' : 'their versions'}`, c.red],
    [counts.skip, 'skipped', c.yellow],
  ];
  const told = parts.filter(([n]) => n > 0).map(([n, word, color]) => color(`${n} ${word}`));
  told.push(...deathCounts(run.sets.flatMap(({ crashed }) => crashed ?? [])).map(c.red));
  if (run.incomplete) told.push(c.red(`INCOMPLETE (${safeLine(run.incomplete.text)})`));
  const checked = safeLine(checkText(checks));
  const all = [c.green(`${counts.pass} passed`), ...told].join(', ');
  const rest = `${checked ? `checked ${checked}` : 'nothing checked'}; ${secondsText(run.durationMs)}`;
  const legend = legendText(run, width);
  return `${legend && `\n${c.dim(legend)}`}\n${hang('', `${all}; ${rest}`, width, 2)}\n`;
}

/** Make a writer; colour (terminal, NO_COLOR) and width are for the caller to decide. */
export function prettyWriter({ color, width }: Look): PrettyWriter {
  const style = { c: picocolors.createColors(color), width };
  return {
    header: (set) => headerText(style, set),
    scenario: (result) => scenarioText(style, result),
    footer: (set) => footerText(style, set),
    summary: (run) => summaryText(style, run),
  };
}

/** A whole run at once. */
export function renderPretty(run: RunResult, { color = false, width = WIDTH }: Partial<Look> = {}): string {
  const writer = prettyWriter({ color, width });
  const sets = run.sets.map(
    (set) => writer.header(set) + set.scenarios.map(writer.scenario).join('') + writer.footer(set),
  );
  return sets.join('\n') + writer.summary(run);
}
