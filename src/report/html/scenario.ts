import { isBad } from '../summary.js';
import type { Failure, ScenarioResult, Status } from '../types.js';
import { type Group, grouped } from './group.js';
import { type Html, html } from './html.js';
import type { Timeline } from './timeline.js';
import { type Context, timelineHtml } from './timeline-html.js';
import { statusMark } from './words.js';

/** A scenario on one kernel. */
export interface OnKernel {
  /** By its number. */
  kernel: number;
  result: ScenarioResult;
  timeline: Timeline | undefined;
}

const hex = (n: number): string => `0x${n.toString(16)}`;

const placeText = ({ vcpu, gfn }: Failure): string =>
  `${vcpu === undefined ? '' : `, vCPU ${vcpu}`}${gfn === undefined ? '' : `, gfn ${hex(gfn)}`}`;

function failureHtml(failure: Failure): Html {
  const { step, stepText, what, expected, seen, sources, rerun } = failure;
  return html`<div class=f><p><b>Step ${step}</b>${placeText(failure)}: ${stepText}<dl><dt>${what}, expected<dd>${expected}<dt>seen<dd>${seen}${
    sources.length > 0 && html`<dt>because<dd><ul>${sources.map((source) => html`<li>${source}`)}</ul>`
  }<dt>again<dd><code>${rerun}</code></dl></div>`;
}

const repeatText = ({ repeat }: ScenarioResult): string => (repeat === undefined ? '' : `, run ${repeat}`);

/** A result, and the kernels that gave it. */
function resultHtml({ one: result, kernels }: Group<ScenarioResult>, { names }: Context): Html {
  const { status, skip, error, failures, errata, checks } = result;
  const done = Object.entries(checks).filter(([, n]) => n > 0);
  return html`<div class=r data-k="${kernels.join(' ')}" data-s=${status}><h3>${statusMark(status)} on ${names(kernels)}${repeatText(result)}</h3>${
    done.length > 0 && html`<p class=n>checked: ${done.map(([what, n]) => `${n} ${what}`).join(', ')}`
  }${skip && html`<p>Skipped: ${skip.reason}. To have it: ${skip.lift}`}${error !== undefined && html`<p>${error}`}${errata.map(
    ({ id, kernels: range, text }) => html`<p>Met erratum ${id} (${range}): ${text}`,
  )}${failures.map(failureHtml)}</div>`;
}

/** What names a scenario in the page's links. */
export const anchorOf = (name: string): string => `s-${name.replace(/[^\w-]/g, '-')}`;

const gravest = (all: readonly OnKernel[]): Status =>
  all.find(({ result }) => isBad(result.status))?.result.status ??
  all.find(({ result }) => result.status === 'pass')?.result.status ??
  'skip';

/** All that there is of one scenario, closed at first unless something is wrong. */
export function scenarioHtml(name: string, all: readonly OnKernel[], context: Context): Html {
  const statuses = [...new Set(all.map(({ result }) => result.status))];
  const results = grouped(
    all.map(({ kernel, result }) => [kernel, result] as const),
    ({ durationMs: _, ...rest }) => rest,
  );
  const timelines = all.flatMap(({ kernel, timeline }) =>
    timeline === undefined ? [] : [[kernel, timeline] as const],
  );
  return html`<details id="${anchorOf(name)}" data-n="${name}" data-s="${statuses.join(' ')}"${
    isBad(gravest(all)) && html` open`
  }><summary>${name} ${statuses.map(statusMark)}</summary>${results.map((group) => resultHtml(group, context))}${timelineHtml(timelines, context)}</details>`;
}
