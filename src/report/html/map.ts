import { type Html, html } from './html.js';
import type { MapRange } from './timeline.js';

const WIDTH = 800;
const HEIGHT = 46;
/** A range is at least this wide, and a label needs that much room. */
const LEAST = 3;
const ROOM = 46;
/** About how many ticks the axis has. */
const TICKS = 5;

/** Types that have a pattern of their own. */
const TYPES = ['UC', 'WC', 'WT', 'WP', 'WB'];

/** A logarithmic scale that holds what there is: a step for each doubling of the address, the first page being 0. */
class Scale {
  readonly #low: number;
  readonly #high: number;

  constructor(ranges: readonly MapRange[]) {
    this.#low = Math.floor(Math.min(...ranges.map(({ gfn }) => Math.log2(gfn + 1))));
    this.#high = Math.ceil(Math.max(...ranges.map(({ gfn, pages }) => Math.log2(gfn + pages))));
    if (this.#high === this.#low) this.#high++;
  }

  place(gfn: number): number {
    return round(((Math.log2(gfn + 1) - this.#low) / (this.#high - this.#low)) * WIDTH);
  }

  ticks(): Html[] {
    const step = Math.max(1, Math.ceil((this.#high - this.#low) / TICKS));
    const count = Math.floor((this.#high - this.#low) / step) + 1;
    const bits = Array.from({ length: count }, (_, i) => this.#low + i * step);
    const at = (bit: number): number => round(((bit - this.#low) / (this.#high - this.#low)) * WIDTH);
    return [
      html`<path d="${bits.map((bit) => `M${at(bit)} 34v4`).join('')}"/>`,
      ...bits.map((bit) => html`<text x=${at(bit)} y=45>${sizeText(bit + 12)}</text>`),
    ];
  }
}

/** A power of two, as sizes are written. */
const sizeText = (bits: number): string => `${2 ** (bits % 10)}${'KMGTP'[Math.floor(bits / 10) - 1]}`;

const round = (x: number): number => Math.round(x * 10) / 10;
const hex = (n: number): string => `0x${n.toString(16)}`;

const classOf = (type: string): string => TYPES.find((name) => type.startsWith(name)) ?? 'other';

/** Patterns, which every map refers to: once in a page. */
export const mapDefinitions = (): Html => html`<svg width=0 height=0 aria-hidden=true focusable=false><defs>
<pattern id=p-UC width=6 height=6 patternUnits=userSpaceOnUse><rect class=UC width=6 height=6 /><path d="M0 6L6 0"/></pattern>
<pattern id=p-WC width=6 height=6 patternUnits=userSpaceOnUse><rect class=WC width=6 height=6 /><path d="M0 0L6 6M0 6L6 0"/></pattern>
<pattern id=p-WT width=6 height=6 patternUnits=userSpaceOnUse><rect class=WT width=6 height=6 /><path d="M3 0V6"/></pattern>
<pattern id=p-WP width=6 height=6 patternUnits=userSpaceOnUse><rect class=WP width=6 height=6 /><path d="M0 3H6"/></pattern>
<pattern id=p-WB width=6 height=6 patternUnits=userSpaceOnUse><rect class=WB width=6 height=6 /></pattern>
<pattern id=p-other width=6 height=6 patternUnits=userSpaceOnUse><rect class=other width=6 height=6 /><path d="M2 3H4"/></pattern></defs></svg>`;

const rangeText = ({ gfn, pages, type }: MapRange): string =>
  `${type}: ${hex(gfn * 4096)} to ${hex((gfn + pages) * 4096 - 1)}, ${pages} ${pages === 1 ? 'page' : 'pages'}`;

/** The guest's memory by type: a picture with a logarithmic scale, and the same as text. */
export function memoryMap(ranges: readonly MapRange[]): Html {
  const scale = new Scale(ranges);
  let free = 0;
  const parts = ranges.map((range) => {
    const x = scale.place(range.gfn);
    const width = Math.max(LEAST, round(scale.place(range.gfn + range.pages) - x));
    const isFree = x >= free;
    if (isFree) free = x + ROOM;
    const kind = classOf(range.type);
    return html`<rect x=${x} y=14 width=${width} height=20 fill="url(#p-${kind})"/>${
      isFree && html`<text x=${x} y=11>${range.type}</text>`
    }`;
  });
  return html`<figure class=map><svg viewBox="-4 0 ${WIDTH + 60} ${HEIGHT}" preserveAspectRatio=none role=img tabindex=0 aria-label="Guest memory by type, logarithmic scale">${parts}${scale.ticks()}</svg><figcaption>${ranges.map((range, i) => html`${i > 0 && '; '}${rangeText(range)}`)}</figcaption></figure>`;
}
