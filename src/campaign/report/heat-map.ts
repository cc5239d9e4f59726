import { type Html, html } from '../../report/html/html.js';
import { byFamily, isBad, worst } from '../../report/summary.js';
import type { ScenarioResult, Status } from '../../report/types.js';

/** A column of the map: a kernel in one variant, and its results. */
export interface HeatColumn {
  name: string;
  scenarios: readonly Pick<ScenarioResult, 'family' | 'status'>[];
}

const CELL = 22;
const LABEL = 90;
/** Room for the names of columns, which stand on their heads. */
const HEAD = 170;

/** What one square says. */
interface Square {
  /** Undefined where the column has nothing of the family. */
  status: Status | undefined;
  bad: number;
  all: number;
}

function squareOf(family: string, { scenarios }: HeatColumn): Square {
  const own = byFamily(scenarios).get(family) ?? [];
  const bad = own.filter(({ status }) => isBad(status)).length;
  return { status: own.length === 0 ? undefined : worst(own), bad, all: own.length };
}

/** A number beside the colour tells how many failed: no fact is told by colour alone. */
function squareHtml({ status, bad, all }: Square, x: number, y: number, title: string): Html {
  if (status === undefined) return html``;
  const text = `${title}: ${status}, ${bad} of ${all} failed`;
  return html`<g><title>${text}</title><rect class="h ${status}" x=${x} y=${y} width=${CELL - 2} height=${CELL - 2} /><text x=${
    x + (CELL - 2) / 2
  } y=${y + 14} text-anchor=middle>${bad > 0 ? bad : status === 'skip' ? '–' : '✓'}</text></g>`;
}

/** Families of scenarios down, kernels across: how many scenarios failed, as a picture that needs no script. */
export function heatMap(columns: readonly HeatColumn[]): Html {
  const families = [...new Set(columns.flatMap(({ scenarios }) => scenarios.map(({ family }) => family)))];
  const width = LABEL + columns.length * CELL + 60;
  const height = HEAD + families.length * CELL;
  const heads = columns.map(({ name }, i) => {
    const x = LABEL + i * CELL + 14;
    return html`<text class=k x=${x} y=${HEAD - 6} transform="rotate(-60 ${x} ${HEAD - 6})">${name}</text>`;
  });
  const rows = families.map((family, i) => {
    const y = HEAD + i * CELL;
    const squares = columns.map((column, k) =>
      squareHtml(squareOf(family, column), LABEL + k * CELL, y, `${family} on ${column.name}`),
    );
    return html`<text class=k x=${LABEL - 6} y=${y + 14} text-anchor=end>${family}</text>${squares}`;
  });
  return html`<svg class=heat role=img aria-label="How many scenarios of each family failed on each kernel" viewBox="0 0 ${width} ${height}" width=${width} height=${height}>${heads}${rows}</svg>`;
}
