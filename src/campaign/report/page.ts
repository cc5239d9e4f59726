import { createHash } from 'node:crypto';
import { Html, html } from '../../report/html/html.js';
import { STYLE } from '../../report/html/style.js';
import type { Status } from '../../report/types.js';
import type { Cell } from '../jobs/plan.js';
import type { Table } from '../jobs/table.js';
import { Outcomes } from '../past/outcomes.js';
import { type HeatColumn, heatMap } from './heat-map.js';
import { LIVE_SCRIPT } from './live-script.js';
import type { CampaignReport, CellReport, FailureReport, KernelReport } from './model.js';
import type { Results } from './read.js';
import { cellText, costText, counted, durationText, flakyText, imageText, jobsText } from './words.js';

const OWN = `
svg.heat{max-width:100%;height:auto}svg.heat text{font:10px ui-monospace,monospace}svg.heat text.k{fill:var(--fg)}
rect.h{stroke:var(--line)}rect.h.pass{fill:var(--WB)}rect.h.fail{fill:var(--UC)}rect.h.error,rect.h.timeout{fill:var(--WC)}rect.h.skip{fill:var(--other)}
.lost{color:var(--error);font-weight:600}.open{color:var(--dim)}.new{color:var(--fail);font-weight:600}
`;
const CSS = STYLE + OWN;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A page that is kept asks for nothing, and nothing in it acts; one that is served asks where it came from what is new. */
const policy = (isLive: boolean): string =>
  `default-src 'none'; style-src ${hashOf(CSS)}; ${isLive ? `script-src ${hashOf(LIVE_SCRIPT)}; connect-src 'self'; ` : ''}base-uri 'none'; form-action 'none'`;

/** A name as the end of a link within the page. */
const anchor = (kernel: string, variant: string): string =>
  `c-${createHash('sha256').update(`${kernel}\0${variant}`).digest('hex').slice(0, 12)}`;

function cellHtml(kernel: KernelReport, cell: CellReport): Html {
  if (kernel.problem !== undefined) return html`<td class=lost title="${kernel.problem}">no kernel`;
  const text = cellText(cell);
  return cell.state === 'fail'
    ? html`<td class=fail><a href="#${anchor(kernel.name, cell.variant)}">${text}</a>`
    : html`<td class=${cell.state}>${text}`;
}

function matrixHtml(report: CampaignReport): Html {
  const { variants, kernels, price } = report;
  const rows = kernels.map(
    (kernel) =>
      html`<tr><th scope=row>${kernel.name}<td>${kernel.release}<td><code>${imageText(kernel)}</code>${kernel.cells.map(
        (cell) => cellHtml(kernel, cell),
      )}<td>${durationText(kernel.seconds)}${price !== undefined && html`<td>${costText(report, kernel)}`}`,
  );
  return html`<section id=matrix><h2>Kernels</h2><div class=scroll tabindex=0 role=region aria-label=Kernels><table><thead><tr><th scope=col>kernel<th scope=col>release<th scope=col>image${variants.map(
    (name) => html`<th scope=col>${name}`,
  )}<th scope=col>time${price !== undefined && html`<th scope=col>cost`}<tbody>${rows}</table></div></section>`;
}

function failureHtml({ result, isNew }: FailureReport): Html {
  const { family, name, status, failures, error } = result;
  return html`<details><summary>${isNew && html`<span class=new>new</span> `}<b>${family}/${name}</b> <span class=${status}>${status}</span></summary>${
    error !== undefined && html`<p>${error}`
  }${failures.map(
    ({ what, stepText, expected, seen, rerun }) =>
      html`<div class=f><p>${what}, at: ${stepText}<p>expected ${expected}<p>seen ${seen}<p>again: <code>${rerun}</code></div>`,
  )}</details>`;
}

/** The failures of each cell, where its link leads. */
function failuresHtml({ failures }: CampaignReport): Html[] {
  const cells = new Map<string, FailureReport[]>();
  for (const failure of failures) {
    const id = anchor(failure.kernel, failure.variant);
    cells.set(id, [...(cells.get(id) ?? []), failure]);
  }
  return [...cells].map(([id, own]) => {
    const [{ kernel, variant }] = own as [FailureReport];
    return html`<section id=${id}><h3>${kernel}, ${variant}</h3>${own.map(failureHtml)}</section>`;
  });
}

const listHtml = (title: string, lines: readonly (string | Html)[]): Html =>
  lines.length === 0
    ? html``
    : html`<section><h2>${title} (${lines.length})</h2><ul>${lines.map((line) => html`<li>${line}`)}</ul></section>`;

function findsHtml({ finds }: CampaignReport): Html[] {
  return finds.map(
    ({ kind, steps, times, where, scenario }) =>
      html`<b>${kind}</b>, ${counted(steps, 'step')}, ${counted(times, 'time')}: ${where.slice(0, 5).join('; ')}${
        where.length > 5 && ` and ${where.length - 5} more`
      }<details><summary>the scenario</summary><pre tabindex=0>${scenario}</pre></details>`,
  );
}

/** What the map shows of a cell: its scenarios, random ones aside. */
const heatColumn = ({ kernel, variant, jobs }: Cell, table: Table, outcomes: Outcomes): HeatColumn => ({
  name: `${kernel}, ${variant}`,
  scenarios: jobs.flatMap(({ id, job }) => {
    const done = job.kind === 'run' ? table.jobs.get(id)?.result : undefined;
    return (done === undefined ? [] : outcomes.of(job.kind, done)).map(({ scenario, seen }) => ({
      family: scenario.slice(0, scenario.indexOf('/')),
      status: seen[0] as Status,
    }));
  }),
});

function heatColumns(table: Table, outcomes: Outcomes): HeatColumn[] {
  const cells = table.kernels.flatMap((kernel) => kernel.cells);
  return cells
    .map((cell) => heatColumn(cell, table, outcomes))
    .filter(({ scenarios }) => scenarios.length > 0);
}

/**
 * The report as one page, which asks for nothing and needs no script.
 * @param live it is served, and follows the campaign
 */
export function renderCampaignPage(
  report: CampaignReport,
  table: Table,
  results: Results,
  { live = false }: { live?: boolean } = {},
): string {
  const { name, number, tool, state, startedAt, failures, fixed, flaky, lost, kernels } = report;
  const columns = heatColumns(table, new Outcomes(results));
  const problems = kernels.flatMap(({ name: kernel, problem }) =>
    problem === undefined ? [] : [`${kernel}: ${problem}`],
  );
  const isNew = failures.filter((failure) => failure.isNew).length;
  return html`<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><meta http-equiv=Content-Security-Policy content="${policy(live)}"><title>Campaign ${name}</title><style>${new Html(CSS)}</style><body><header><h1>Campaign ${name}: ${state}</h1><p>${jobsText(report)}; run ${number}, begun ${new Date(startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC, by kvm-memtype ${tool}</p></header><main>${matrixHtml(report)}${
    columns.length > 0 &&
    html`<section id=heat><h2>Families of scenarios</h2><p>How many scenarios failed; ✓ none, – all skipped.</p><div class=scroll tabindex=0 role=region aria-label="Families by kernel">${heatMap(columns)}</div></section>`
  }${failures.length > 0 && html`<section id=failures><h2>Failures (${failures.length}, ${isNew} new)</h2>${failuresHtml(report)}</section>`}${listHtml(
    'No longer failing',
    fixed,
  )}${listHtml(
    'Flaky: the same job, different results',
    flaky.map(flakyText),
  )}${listHtml('Random scenarios that failed, cut down', findsHtml(report))}${listHtml('Kernels that could not be had', problems)}${listHtml(
    'Jobs without a result',
    lost.map(({ title, why }) => `${title}: ${why}`),
  )}</main>${live && html`<script>${new Html(LIVE_SCRIPT)}</script>`}</body></html>
`.text;
}
