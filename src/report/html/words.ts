import type { Status } from '../types.js';
import { type Html, html } from './html.js';

/** How a status looks: a sign and a word beside its colour. */
const SIGNS: Readonly<Record<Status, string>> = {
  pass: '✓',
  fail: '✗',
  error: '!',
  timeout: '◷',
  skip: '–',
};

/** A status as a cell of a table shows it. */
export const statusMark = (status: Status): Html =>
  html`<span class="s ${status}"><b aria-hidden=true>${SIGNS[status]}</b> ${status}</span>`;

/** The sign alone, with its word for who does not see it. */
export const statusSign = (status: Status): Html =>
  html`<abbr class=${status} title=${status}>${SIGNS[status]}</abbr>`;

export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
