import { safeLine, safeText } from '../../text/safe.js';
import type { CampaignReport, FailureReport, KernelReport } from './model.js';
import { cellText, costText, counted, durationText, flakyText, imageText, jobsText } from './words.js';

/** How much is told. */
export interface MarkdownOptions {
  /** Leave out what differs from run to run though nothing else does: times and costs. */
  noTimes: boolean;
}

/** Text in a line of Markdown: what it could mean there it does not. */
const plain = (text: string): string => safeLine(text).replace(/[\\|`*_<>[\]]/g, '\\$&');

const row = (cells: readonly string[]): string => `| ${cells.map(plain).join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(row)].join('\n');
}

/** Longer than any run of backticks in it, so that nothing in the text ends it. */
function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}\n${safeText(text).trimEnd()}\n${fence}`;
}

function matrix(report: CampaignReport, { noTimes }: MarkdownOptions): string {
  const { variants, kernels, price } = report;
  const withCost = !noTimes && price !== undefined;
  const head = [
    'kernel',
    'release',
    'image',
    ...variants,
    ...(noTimes ? [] : ['time']),
    ...(withCost ? ['cost'] : []),
  ];
  const rowOf = (kernel: KernelReport): string[] => [
    kernel.name,
    kernel.release ?? '',
    imageText(kernel),
    ...(kernel.problem === undefined ? kernel.cells.map(cellText) : variants.map(() => 'no kernel')),
    ...(noTimes ? [] : [durationText(kernel.seconds)]),
    ...(withCost ? [costText(report, kernel)] : []),
  ];
  return table(head, kernels.map(rowOf));
}

function failureText({ kernel, variant, result, isNew }: FailureReport): string {
  const { family, name, status, failures, error } = result;
  const head = `- ${isNew ? '**new** ' : ''}${plain(`${kernel}, ${variant}: ${family}/${name}`)}: ${status}`;
  const more = failures.map(
    ({ what, stepText, expected, seen, rerun }) =>
      `  - ${plain(`${what}, at: ${stepText}; expected ${expected}, seen ${seen}`)}; again: ${plain(rerun)}`,
  );
  return [head, ...(error === undefined ? [] : [`  - ${plain(error)}`]), ...more].join('\n');
}

type Section = readonly [title: string, lines: readonly string[]];

function sections(report: CampaignReport): Section[] {
  const { failures, fixed, flaky, finds, lost, kernels } = report;
  const isNew = failures.filter((failure) => failure.isNew);
  const problems = kernels.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`- ${plain(name)}: ${plain(problem)}`],
  );
  return [
    ['Failures that are new', isNew.map(failureText)],
    ['Failures', failures.map(failureText)],
    ['No longer failing', fixed.map((place) => `- ${plain(place)}`)],
    ['Flaky: the same job, different results', flaky.map((one) => `- ${plain(flakyText(one))}`)],
    [
      'Random scenarios that failed, cut down',
      finds.map(({ kind, steps, where, times, scenario }) =>
        [
          `- ${plain(kind)}, ${counted(steps, 'step')}, ${counted(times, 'time')}: ${plain(where.join('; '))}`,
          '',
          fenced(scenario),
          '',
        ].join('\n'),
      ),
    ],
    ['Kernels that could not be had', problems],
    ['Jobs without a result', lost.map(({ title, why }) => `- ${plain(title)}: ${plain(why)}`)],
  ];
}

/** The report as Markdown, for a mail or a merge request. */
export function renderMarkdown(report: CampaignReport, options: MarkdownOptions): string {
  const { name, number, tool, state, startedAt, endedAt } = report;
  const when = new Date(startedAt).toISOString().slice(0, 16).replace('T', ' ');
  const took = endedAt === undefined ? '' : `, ${durationText((endedAt - startedAt) / 1000)}`;
  const times = options.noTimes ? '' : ` Run ${number}, begun ${when} UTC${took}.`;
  const parts = sections(report)
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `## ${title} (${lines.length})\n\n${lines.join('\n')}`);
  return `${[
    `# Campaign ${plain(name)}: ${state}`,
    `${jobsText(report)}, by kvm-memtype ${plain(tool)}.${times}`,
    matrix(report, options),
    ...parts,
  ].join('\n\n')}\n`;
}
