import { type Html, html } from './html.js';
import type { Reason } from './timeline.js';

/** Chains of reasons, each told once in a page: thousands of leaves have the same few. */
export class Chains {
  readonly #chains = new Map<string, { id: string; reasons: readonly Reason[] }>();

  /** A link to a chain. */
  link(reasons: readonly Reason[] | undefined): Html {
    if (reasons === undefined || reasons.length === 0) return html``;
    const key = JSON.stringify(reasons);
    const known = this.#chains.get(key) ?? { id: `c${this.#chains.size + 1}`, reasons };
    this.#chains.set(key, known);
    return html`<a href=#${known.id}>why</a>`;
  }

  /** All that were linked to. */
  section(): Html {
    if (this.#chains.size === 0) return html``;
    return html`<section id=chains><h2>Why a leaf has its type</h2><p>Each <b>why</b> above leads to one of these chains of rules: the last one decides.</p>${[
      ...this.#chains.values(),
    ].map(
      ({ id, reasons }) =>
        html`<ol id="${id}" tabindex=-1>${reasons.map(({ text, source }) => html`<li>${text} <i>${source}</i>`)}</ol>`,
    )}</section>`;
  }
}
