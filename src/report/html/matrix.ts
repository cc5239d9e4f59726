import type { ScenarioResult } from '../types.js';
import { type Column, nameOf } from './columns.js';
import { type Html, html } from './html.js';
import { anchorOf } from './scenario.js';
import { statusSign } from './words.js';

const NONE = html`<td><span class=n>·</span>`;

function cell(results: readonly ScenarioResult[]): Html {
  if (results.length === 0) return NONE;
  return html`<td>${results.map(({ status }) => statusSign(status))}`;
}

/** Scenarios down, kernels across. */
export function matrixHtml(columns: readonly Column[], names: readonly string[]): Html {
  const found = columns.map(({ set }) => {
    const results = new Map<string, ScenarioResult[]>();
    for (const result of set.scenarios)
      results.set(nameOf(result), [...(results.get(nameOf(result)) ?? []), result]);
    return results;
  });
  const head = columns.map(({ kernel }) => html`<th scope=col><span>${kernel}</span>`);
  const rows = names.map(
    (name) =>
      html`<tr data-n="${name}" data-s="${[
        ...new Set(found.flatMap((results) => (results.get(name) ?? []).map(({ status }) => status))),
      ].join(
        ' ',
      )}"><th scope=row><a href="#${anchorOf(name)}">${name}</a>${found.map((results) => cell(results.get(name) ?? []))}`,
  );
  return html`<section id=matrix><h2>Scenarios by kernel</h2><p>${(
    ['pass', 'fail', 'error', 'timeout', 'skip'] as const
  ).map(
    (status) => html`${statusSign(status)} ${status} `,
  )}</p><div class=scroll tabindex=0 role=region aria-label="Scenarios by kernel"><table class=m><thead><tr><th scope=col>scenario${head}<tbody>${rows}</table></div></section>`;
}
