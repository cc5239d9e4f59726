import { type Html, html } from './html.js';
import type { MapRange } from './timeline.js';

/** Units of the picture for each doubling of the address: 52 bits of address, of which 12 are the page's. */
const UNIT = 20;
const BITS = 40;
const WIDTH = UNIT * BITS;
const HEIGHT = 46;
/** A range is at least this wide, and a label needs that much room. */
const LEAST = 3;
const ROOM = 30;

/** Types that have a pattern of their own. */
const TYPES = ['UC', 'WC', 'WT', 'WP', 'WB'];

/** Where a frame stands: the first page at 0, then a step for each doubling. */
const placeOf = (gfn: number): number => Math.log2(gfn + 1) * UNIT;

const round = (x: number): number => Math.round(x * 10) / 10;
const hex = (n: number): string => `0x${n.toString(16)}`;

const classOf = (type: string): string => TYPES.find((name) => type.startsWith(name)) ?? 'other';

const TICKS = [12, 16, 20, 24, 28, 32, 36, 40, 44, 48];
const TICK_TEXTS = ['4K', '64K', '1M', '16M', '256M', '4G', '64G', '1T', '16T', '256T'];

const ticks = (): Html[] =>
  TICKS.map((bits, i) => {
    const x = round(placeOf(2 ** (bits - 12)));
    return html`<path class=t d="M${x} 34v4"/><text x=${x} y=45>${TICK_TEXTS[i]}</text>`;
  });

/** Patterns and the axis, which every map refers to: once in a page. */
export const mapDefinitions = (): Html => html`<svg width=0 height=0 aria-hidden=true focusable=false><defs>
<pattern id=p-UC width=6 height=6 patternUnits=userSpaceOnUse><rect class=UC width=6 height=6 /><path d="M0 6L6 0"/></pattern>
<pattern id=p-WC width=6 height=6 patternUnits=userSpaceOnUse><rect class=WC width=6 height=6 /><path d="M0 0L6 6M0 6L6 0"/></pattern>
<pattern id=p-WT width=6 height=6 patternUnits=userSpaceOnUse><rect class=WT width=6 height=6 /><path d="M3 0V6"/></pattern>
<pattern id=p-WP width=6 height=6 patternUnits=userSpaceOnUse><rect class=WP width=6 height=6 /><path d="M0 3H6"/></pattern>
<pattern id=p-WB width=6 height=6 patternUnits=userSpaceOnUse><rect class=WB width=6 height=6 /></pattern>
<pattern id=p-other width=6 height=6 patternUnits=userSpaceOnUse><rect class=other width=6 height=6 /><path d="M2 3H4"/></pattern>
<g id=axis>${ticks()}</g></defs></svg>`;

const rangeText = ({ gfn, pages, type }: MapRange): string =>
  `${type}: ${hex(gfn * 4096)} to ${hex((gfn + pages) * 4096 - 1)}, ${pages} ${pages === 1 ? 'page' : 'pages'}`;

/** The guest's memory by type: a picture with a logarithmic scale, and the same as text. */
export function memoryMap(ranges: readonly MapRange[]): Html {
  let free = 0;
  const parts = ranges.map((range) => {
    const x = round(placeOf(range.gfn));
    const width = Math.max(LEAST, round(placeOf(range.gfn + range.pages) - x));
    const isFree = x >= free;
    if (isFree) free = x + ROOM;
    const kind = classOf(range.type);
    return html`<g><title>${rangeText(range)}</title><rect x=${x} y=14 width=${width} height=20 fill="url(#p-${kind})"/>${
      isFree && html`<text x=${x} y=11>${range.type}</text>`
    }</g>`;
  });
  return html`<figure class=map><svg viewBox="-4 0 ${WIDTH + 40} ${HEIGHT}" role=img tabindex=0 aria-label="Guest memory by type, logarithmic scale">${parts}<use href="#axis"/></svg><figcaption>${ranges.map((range, i) => html`${i > 0 && '; '}${rangeText(range)}`)}</figcaption></figure>`;
}
