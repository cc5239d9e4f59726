import { createHash } from 'node:crypto';
import { deathText } from '../formats/crash.js';
import { summarize } from '../summary.js';
import { Chains } from './chains.js';
import { type Column, columnsOf, nameOf, newest, type SavedRun } from './columns.js';
import { Html, html } from './html.js';
import { mapDefinitions } from './map.js';
import { matrixHtml } from './matrix.js';
import { type OnKernel, scenarioHtml } from './scenario.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import { trendHtml } from './trend.js';
import { counted, statusMark } from './words.js';

export type { SavedRun, Timelines } from './columns.js';

const STATUSES = ['pass', 'fail', 'error', 'timeout', 'skip'] as const;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only what is in the page may act, and none of it may ask for anything: what guests and kernels said is in it. */
const policy = (): string =>
  `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;

function kernelRow({ kernel, set, run }: Column): Html {
  const { counts, checks } = summarize([set]);
  const { policy: chosen, crashed, incomplete } = set;
  const total = Object.values(checks).reduce((a, b) => a + b, 0);
  const how = chosen.how === 'hint' ? ' (by version only)' : chosen.how === 'forced' ? ' (forced)' : '';
  return html`<tr><th scope=row>${kernel}<td>${set.release}<td>${set.engine}<td>${chosen.name}${how}${
    chosen.explainedBy.length > 0 && html`; explained by ${chosen.explainedBy.join(', ')}`
  }<td>${STATUSES.filter((status) => counts[status] > 0).map((status) => html`${statusMark(status)} ${counts[status]} `)}<td>${total}<td>${run.startedAt.slice(0, 16).replace('T', ' ')}<td>${
    crashed !== undefined &&
    html`<details><summary class=fail>${deathText(crashed)}</summary><pre tabindex=0>${crashed.consoleTail.join('\n')}</pre></details>`
  }${incomplete !== undefined && html`<p class=error>INCOMPLETE: ${incomplete.text}`}${
    chosen.warning !== undefined && html`<p class=error>${chosen.warning}`
  }`;
}

const summaryHtml = (columns: readonly Column[]): Html =>
  html`<section id=summary><h2>Kernels</h2><div class=scroll tabindex=0 role=region aria-label="Kernels"><table><thead><tr><th scope=col>kernel<th scope=col>release<th scope=col>engine<th scope=col>policy<th scope=col>scenarios<th scope=col>checks<th scope=col>begun (UTC)<th scope=col>remarks<tbody>${columns.map(
    kernelRow,
  )}</table></div></section>`;

const filters = (columns: readonly Column[]): Html =>
  html`<form hidden aria-label="Filters"><label>Name <input name=text type=search></label><label>Status <select name=status><option value="">any${STATUSES.map(
    (status) => html`<option>${status}`,
  )}${columns.length > 1 && html`<option value=differs>not the same on all`}</select></label><label>Kernel <select name=kernel><option value="">any${columns.map(
    ({ kernel }, i) => html`<option value=${i}>${kernel}`,
  )}</select></label><button type=button name=open>Open those shown</button><button type=button name=close>Close all</button><button type=reset>Reset</button><output id=count></output></form>`;

function onKernels(columns: readonly Column[]): Map<string, OnKernel[]> {
  const scenarios = new Map<string, OnKernel[]>();
  for (const [kernel, { set, timelines }] of columns.entries())
    for (const result of set.scenarios) {
      const own = scenarios.get(nameOf(result)) ?? [];
      own.push({ kernel, result, timeline: timelines.get(result) });
      scenarios.set(nameOf(result), own);
    }
  return scenarios;
}

/** A page that a mail or a CI system still takes. */
const MOST_BYTES = 2_000_000;
/** How many rows a step may have, the next fewer where the page would be too large. */
const MOST_ROWS = [24, 16, 8, 4, 2, 1, 0];

/** Everything in one page: it asks for nothing, can be read without its script, and keeps to 2 MB unless there are far more results than of the catalogue. */
export function renderHtml(runs: readonly SavedRun[]): string {
  let page = '';
  for (const mostRows of MOST_ROWS) {
    page = pageOf(runs, mostRows).text;
    if (Buffer.byteLength(page) <= MOST_BYTES) break;
  }
  return page;
}

function headHtml(runs: readonly SavedRun[], mostRows: number, counts: string): Html {
  const tool = runs[0]?.run.judgedBy ?? runs[0]?.run.tool;
  const early = runs.flatMap(({ run }) => run.incomplete ?? []);
  return html`<header><h1>Memory types under KVM</h1><p>${counts}, by kvm-memtype ${tool?.version} ${tool?.revision}</p>${early.map(
    ({ text }) => html`<p class=error>INCOMPLETE: ${text}`,
  )}${mostRows < Number(MOST_ROWS[0]) && html`<p>Steps are cut to ${counted(mostRows, 'row')} here, to keep this page below 2 MB.`}</header>`;
}

function pageOf(runs: readonly SavedRun[], mostRows: number): Html {
  const all = columnsOf(runs);
  const columns = newest(all);
  const scenarios = onKernels(columns);
  const chains = new Chains();
  const names = (kernels: readonly number[]): string =>
    kernels.length === columns.length && kernels.length > 1
      ? 'all kernels'
      : kernels.map((kernel) => columns[kernel]?.kernel).join(', ');
  const parts = [...scenarios].map(([name, own]) => scenarioHtml(name, own, { names, chains, mostRows }));
  const counts = `${counted(scenarios.size, 'scenario')} on ${counted(columns.length, 'kernel')}`;
  return html`<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><meta http-equiv=Content-Security-Policy content="${policy()}"><title>kvm-memtype results</title><style>${new Html(STYLE)}</style><body>${headHtml(runs, mostRows, counts)}<main>${summaryHtml(columns)}${trendHtml(all)}${filters(columns)}${matrixHtml(columns, [...scenarios.keys()])}<section id=scenarios><h2>Scenarios</h2>${mapDefinitions()}${parts}</section>${chains.section()}</main><script>${new Html(SCRIPT)}</script></body></html>
`;
}
