import type { Chains } from './chains.js';
import { grouped } from './group.js';
import { type Html, html } from './html.js';
import { memoryMap } from './map.js';
import type { LeafRun, Timeline, TimelineStep } from './timeline.js';
import { counted } from './words.js';

/** What happened in a scenario on some kernel, by the kernel's number. */
export type OnKernel = readonly [kernel: number, timeline: Timeline];

/** What all parts of a page share. */
export interface Context {
  /** Names of kernels by their numbers. */
  names: (kernels: readonly number[]) => string;
  chains: Chains;
  /** Most rows of one step on one kernel: of a thousand leaves of one step the last say what the first do. */
  mostRows: number;
}

const SIZES: Readonly<Record<number, string>> = { 1: '4K', 2: '2M', 3: '1G' };
const hex = (n: number): string => `0x${n.toString(16)}`;

const pagesText = ({ gfn, count, level }: LeafRun): string =>
  `${hex(gfn * 4096)} ${count === 1 ? '' : `${count} × `}${SIZES[level] ?? `level ${level}`}`;

/** Leaves that came or went. */
type Row = readonly [verb: 'gone' | 'made', run: LeafRun];

const rowsOf = ({ made, zapped }: TimelineStep): Row[] => [
  ...zapped.map((run): Row => ['gone', run]),
  ...made.map((run): Row => ['made', run]),
];

/** On which of the kernels, in few words. */
function where(kernels: readonly number[], all: readonly number[], { names }: Context): string {
  const others = all.filter((kernel) => !kernels.includes(kernel));
  if (others.length === 0) return '';
  return others.length < kernels.length ? `not on ${names(others)}` : names(kernels);
}

/** A row of the table: what was expected stands beside what was seen. */
function rowHtml([verb, run]: Row, on: string, { chains }: Context): Html {
  const { seen = 'not traced', expected = 'not foreseen' } = run;
  const isOther = run.seen !== undefined && run.expected !== undefined && seen !== expected;
  return html`<tr${isOther && html` class=x`}><td>${verb}<td>${pagesText(run)}<td>${expected}<td>${
    seen === expected ? 'same' : seen
  }<td>${chains.link(run.why)}${on !== '' && html`<td>${on}`}`;
}

/** One step: each row once, with the kernels that it is of where these are not all. */
function stepRows(all: readonly OnKernel[], i: number, context: Context): Html {
  const steps = all.flatMap(([kernel, { steps }]) => {
    const step = steps[i];
    return step === undefined ? [] : [[kernel, step] as const];
  });
  const kernels = steps.map(([kernel]) => kernel);
  const rows = grouped(steps.flatMap(([kernel, step]) => rowsOf(step).map((row) => [kernel, row] as const)));
  const left = rows.length - context.mostRows;
  return html`<tbody><tr><th colspan=6>${i + 1}. ${steps[0]?.[1].text}${rows
    .slice(0, context.mostRows)
    .map(({ one, kernels: own }) => rowHtml(one, where(own, kernels, context), context))}${
    left > 0 && html`<tr><td colspan=6>and ${counted(left, 'more row')}`
  }`;
}

function mapHtml(all: readonly OnKernel[], { names }: Context): Html {
  const groups = grouped(all.map(([kernel, { map }]) => [kernel, map] as const));
  return html`${groups.map(
    ({ one, kernels }) => html`<h3>Memory at the end, on ${names(kernels)}</h3>${memoryMap(one)}`,
  )}`;
}

/** A timeline: each step, with the leaves that came and went by it. */
export function timelineHtml(all: readonly OnKernel[], context: Context): Html {
  const count = Math.max(0, ...all.map(([, { steps }]) => steps.length));
  if (count === 0) return html``;
  const rows = Array.from({ length: count }, (_, i) => stepRows(all, i, context));
  return html`<table class=l><caption>Step by step</caption><thead><tr><th scope=col>leaf<th scope=col>guest-physical<th scope=col>expected<th scope=col>seen<th scope=col>by which rules<th scope=col>kernels${rows}</table>${mapHtml(all, context)}`;
}
