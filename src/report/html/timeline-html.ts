import type { Chains } from './chains.js';
import { grouped } from './group.js';
import { type Html, html } from './html.js';
import { memoryMap } from './map.js';
import type { LeafRun, Timeline, TimelineStep } from './timeline.js';

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

/** A row for leaves that came or went: what was expected stands beside what was seen. */
function leafRow(verb: string, run: LeafRun, chains: Chains): Html {
  const { seen = 'not traced', expected = 'not foreseen' } = run;
  const isOther = run.seen !== undefined && run.expected !== undefined && seen !== expected;
  return html`<tr${isOther && html` class=x`}><td>${verb}<td>${pagesText(run)}<td>${expected}<td>${
    seen === expected ? 'same' : seen
  }<td>${chains.link(run.why)}`;
}

function leafRows({ made, zapped }: TimelineStep, { chains, mostRows }: Context): Html {
  const all = [...zapped.map((run) => ['gone', run] as const), ...made.map((run) => ['made', run] as const)];
  const left = all.length - mostRows;
  return html`${all.slice(0, mostRows).map(([verb, run]) => leafRow(verb, run, chains))}${
    left > 0 && html`<tr><td colspan=5>and ${left} more rows`
  }`;
}

const isQuiet = ({ made, zapped }: TimelineStep): boolean => made.length + zapped.length === 0;

/** One step: what it did on all kernels, or on each group of those that did the same. */
function stepRows(all: readonly OnKernel[], i: number, context: Context): Html {
  const steps = all.flatMap(([kernel, { steps }]) => {
    const step = steps[i];
    return step === undefined ? [] : [[kernel, step] as const];
  });
  const groups = grouped(steps);
  const [first] = groups;
  if (first === undefined) return html``;
  const head = html`<tbody><tr><th colspan=5>${i + 1}. ${first.one.text}`;
  if (groups.length === 1) return html`${head}${leafRows(first.one, context)}`;
  const most = Math.max(...groups.map(({ kernels }) => kernels.length));
  const others = most > 2 ? groups.find(({ kernels }) => kernels.length === most) : undefined;
  const ordered = [...groups.filter((group) => group !== others), ...(others ? [others] : [])];
  return html`${head}${ordered.map(
    (group) =>
      html`<tr><td colspan=5>on ${group === others ? 'all others' : context.names(group.kernels)}${isQuiet(group.one) && ': nothing'}${leafRows(group.one, context)}`,
  )}`;
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
  return html`<table class=l><caption>Step by step</caption><thead><tr><th scope=col>leaf<th scope=col>guest-physical<th scope=col>expected<th scope=col>seen<th scope=col>by which rules${rows}</table>${mapHtml(all, context)}`;
}
