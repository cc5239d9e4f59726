const BEGIN = '<!-- made by npm run mutation:kernel -->';
const END = '<!-- end -->';
const UNKNOWN = 'not run';
const MOST_KILLERS = 3;

const plural = (names) =>
  names.length > MOST_KILLERS
    ? `${names.slice(0, MOST_KILLERS).join(', ')} and ${names.length - MOST_KILLERS} more`
    : names.join(', ');

/** The outcome in words. */
export function told({ state, killers = [], why = '', after, tried }) {
  if (state === 'killed') return `killed by ${plural(killers)}`;
  const [first] = why.split('\n');
  if (state === 'found') return `found after ${after}`;
  if (state === 'not-found') return `not found in ${tried}`;
  if (state === 'died') return `killed, the machine died (${first})`;
  if (state === 'survived') return why === '' ? 'survived' : `survived: ${first}`;
  return state === 'not-built' ? `does not apply or build: ${first}` : `could not be run: ${first}`;
}

/** A line about a mutant that has been tried. */
export const outcomeLine = ({ id }, { buildSeconds = 0, runSeconds = 0, ...outcome }) =>
  `${id}: ${told(outcome)} (${buildSeconds} s to build, ${runSeconds} s to run)`;

/** How many had which outcome. */
export function summary(outcomes, seconds) {
  const count = (...states) => outcomes.filter(({ state }) => states.includes(state)).length;
  const counts = [
    [count('killed', 'died'), 'killed'],
    [count('survived'), 'survived'],
    [count('found'), 'found'],
    [count('not-found'), 'not found'],
    [count('not-built', 'no-run'), 'could not be tried'],
  ];
  const told = counts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  return `${outcomes.length} mutants: ${told.join(', ')}; ${seconds.toFixed(0)} s`;
}

const cell = (text) => text.replaceAll('|', '\\|');

/** The cells of a table's line, or undefined for any other line. */
const cellsOf = (line) =>
  line.startsWith('| ')
    ? line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((text) => text.trim())
    : undefined;

/** What the page tells of a mutant as it still is: of the catalogue, and of random scenarios. */
function toldOn(page, { id, sentence }) {
  const rows = page.split('\n').flatMap((line) => [cellsOf(line) ?? []]);
  const [, , outcome = UNKNOWN, fuzz = UNKNOWN] =
    rows.find(([name, what]) => name === `\`${id}\`` && what === cell(sentence)) ?? [];
  return [outcome, fuzz];
}

/** The killers that the page names of a mutant: at most three, in the page's order. */
export function killersOn(page, mutant) {
  const [, names = ''] = /^killed by (.*?)(?: and \d+ more)?$/.exec(toldOn(page, mutant)[0]) ?? [];
  return names.split(', ').filter((name) => name !== '');
}

/** The table's rows: what this checkout has found by each of `both`, else what the page said of the same mutant. */
export function rowsOf(page, mutants, both) {
  return mutants.map((mutant) => {
    const { id, kernel, sentence, text } = mutant;
    const known = toldOn(page, mutant);
    const cells = both.map((results, i) => {
      const outcome = results.current(id, results.keyFor(kernel, text));
      return outcome === undefined ? known[i] : cell(told(outcome));
    });
    return [`\`${id}\``, cell(sentence), ...cells];
  });
}

/** Lines of a table as the formatter has them: every column as wide as its widest cell. */
function tableLines(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

/** The page with these rows in its table. */
export function withTable(page, rows) {
  const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error('docs/kernel-mutants.md has lost the marks around its table');
  const table = ['', ...tableLines(['mutant', 'what is wrong', 'outcome', 'fuzz alone'], rows), ''];
  return `${page.slice(0, start + BEGIN.length)}\n${table.join('\n')}\n${page.slice(end)}`;
}
