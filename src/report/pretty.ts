import picocolors from 'picocolors';
import { safeLine } from '../safe-text.js';
import { deathCounts } from './crash.js';
import { departs, summarize } from './summary.js';
import { checkText, detailLines, errataLines, fullName, outcomeText, secondsText } from './text.js';
import type { ResultSet, RunResult, ScenarioResult, SetHeader, Status } from './types.js';

type Colors = ReturnType<typeof picocolors.createColors>;

const NAME_WIDTH = 40;
const HOW = { forced: 'as asked', probed: 'found by probing', hint: 'by version only' };

/** Text for people, in pieces, so that each line can be shown as soon as it is known. */
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

function scenarioText(c: Colors, result: ScenarioResult): string {
  const name = safeLine(fullName(result)).padEnd(NAME_WIDTH);
  const after = result.skip
    ? result.skip.reason
    : [outcomeText(result), secondsText(result.durationMs)].filter(Boolean).join('; ');
  const details = detailLines(result).map((line) => `        ${safeLine(line)}\n`);
  return `  ${marks(c)[result.status]} ${name} ${c.dim(safeLine(after))}\n${details.join('')}`;
}

/** Say once what would let skipped scenarios run, not on each of their lines. */
function liftLines(scenarios: readonly ScenarioResult[]): string[] {
  const lifts = scenarios.flatMap(({ skip }) => (skip ? [skip.lift] : []));
  return [...new Set(lifts)].map((lift) => {
    const n = lifts.filter((other) => other === lift).length;
    return `to run the ${n === 1 ? 'one' : n} skipped: ${lift}`;
  });
}

function footerText(c: Colors, set: ResultSet): string {
  const { crashed, policy } = set;
  const lines = [...errataLines(set.scenarios), ...liftLines(set.scenarios)].map(
    (line) => `  ${safeLine(line)}`,
  );
  if (crashed) {
    lines.push(c.red(`  ${safeLine(`${crashed.kind}: ${crashed.reason}`)}`));
    lines.push(...crashed.consoleTail.map((line) => `        ${safeLine(line)}`));
  }
  if (policy.explainedBy.length > 0)
    lines.push(`  ${safeLine(`all that was seen is explained by: ${policy.explainedBy.join(', ')}`)}`);
  return lines.map((line) => `${line}\n`).join('');
}

function headerText(c: Colors, set: SetHeader): string {
  const { name, how } = set.policy;
  const about = safeLine(`Linux ${set.release} on ${set.engine}, policy ${name} (${HOW[how]})`);
  const head = `${c.bold(safeLine(set.name))}: ${about}\n`;
  if (set.policy.warning === undefined) return head;
  const [mark, color] = departs(set) ? (['FAIL', c.red] as const) : (['warning', c.yellow] as const);
  return `${head}  ${color(`${mark}: ${safeLine(set.policy.warning)}`)}\n`;
}

function summaryText(c: Colors, run: RunResult): string {
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
  const checked = safeLine(checkText(checks));
  const all = [c.green(`${counts.pass} passed`), ...told].join(', ');
  return `\n${all}; ${checked ? `checked ${checked}` : 'nothing checked'}; ${secondsText(run.durationMs)}\n`;
}

/** Make a writer; `color` is for the caller to decide (terminal, NO_COLOR). */
export function prettyWriter(color: boolean): PrettyWriter {
  const c = picocolors.createColors(color);
  return {
    header: (set) => headerText(c, set),
    scenario: (result) => scenarioText(c, result),
    footer: (set) => footerText(c, set),
    summary: (run) => summaryText(c, run),
  };
}

/** A whole run at once. */
export function renderPretty(run: RunResult, color = false): string {
  const writer = prettyWriter(color);
  const sets = run.sets.map(
    (set) => writer.header(set) + set.scenarios.map(writer.scenario).join('') + writer.footer(set),
  );
  return sets.join('\n') + writer.summary(run);
}
