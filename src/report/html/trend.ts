import { summarize } from '../summary.js';
import type { Status } from '../types.js';
import { byKernel, type Column, nameOf } from './columns.js';
import { type Html, html } from './html.js';

const WIDTH = 640;
const HEIGHT = 90;
const STATUSES: readonly Status[] = ['pass', 'skip', 'fail', 'error', 'timeout'];

const dateText = (startedAt: string): string => startedAt.slice(0, 16).replace('T', ' ');

/** One bar for each run: how many scenarios have each status. */
function bars(columns: readonly Column[]): Html {
  const most = Math.max(1, ...columns.map(({ set }) => set.scenarios.length));
  const step = Math.min(60, WIDTH / columns.length);
  const parts = columns.map(({ set, run }, i) => {
    const { counts } = summarize([set]);
    let y = HEIGHT;
    const rects = STATUSES.map((status) => {
      const height = Math.round((counts[status] / most) * HEIGHT * 10) / 10;
      y -= height;
      return (
        height > 0 &&
        html`<rect class="b ${status}" x=${Math.round(i * step)} y=${y} width=${Math.max(2, Math.round(step - 4))} height=${height} />`
      );
    });
    const text = STATUSES.map((status) => `${counts[status]} ${status}`).join(', ');
    return html`<g><title>${dateText(run.startedAt)}: ${text}</title>${rects}</g>`;
  });
  return html`<svg class=trend viewBox="0 0 ${WIDTH} ${HEIGHT}" role=img aria-label="Scenarios by status, run by run">${parts}</svg>`;
}

interface Turn {
  name: string;
  from: string;
  to: string;
}

const statusesOf = ({ set }: Column): Map<string, string> =>
  new Map(set.scenarios.map((result) => [nameOf(result), result.status]));

/** What is otherwise than in the run before. */
function turnsOf(before: Column, now: Column): Turn[] {
  const [old, current] = [statusesOf(before), statusesOf(now)];
  return [...new Set([...old.keys(), ...current.keys()])].flatMap((name) => {
    const [from, to] = [old.get(name) ?? 'not there', current.get(name) ?? 'not there'];
    return from === to ? [] : [{ name, from, to }];
  });
}

const countsText = ({ set }: Column): string => {
  const { counts } = summarize([set]);
  return STATUSES.filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${status}`)
    .join(', ');
};

function rowOf(column: Column, before: Column | undefined): Html {
  const { run, set } = column;
  const turns = before === undefined ? [] : turnsOf(before, column);
  const policy = before !== undefined && before.set.policy.name !== set.policy.name;
  return html`<tr><td>${dateText(run.startedAt)}<td>${set.release}<td>${set.policy.name}<td>${countsText(column)}<td>${
    before === undefined
      ? 'the first'
      : turns.length === 0 && !policy
        ? 'no change'
        : html`<ul>${policy && html`<li>policy ${before.set.policy.name} → ${set.policy.name}`}${turns.map(({ name, from, to }) => html`<li>${name}: ${from} → ${to}`)}</ul>`
  }`;
}

/** What changed when, for each kernel of which there are several results. */
export function trendHtml(columns: readonly Column[]): Html {
  const several = [...byKernel(columns)].filter(([, own]) => own.length > 1);
  if (several.length === 0) return html``;
  return html`<section id=trend><h2>What changed when</h2>${several.map(
    ([kernel, own]) =>
      html`<h3>${kernel}</h3>${bars(own)}<table><thead><tr><th scope=col>begun (UTC)<th scope=col>release<th scope=col>policy<th scope=col>scenarios<th scope=col>against the run before<tbody>${own.map(
        (column, i) => rowOf(column, own[i - 1]),
      )}</table>`,
  )}</section>`;
}
