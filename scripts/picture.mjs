#!/usr/bin/env node
// A picture of what a command printed, for the README: `FORCE_COLOR=1 COMMAND | node scripts/picture.mjs [LINES] > docs/run.svg`.
// LINES keeps that many lines, from both ends. Knows the few colours that our output has; draws no terminal.
import { text } from 'node:stream/consumers';

const COLOURS = { 31: '#f47067', 32: '#57ab5a', 33: '#c69026' };
const [TEXT, BACKGROUND] = ['#adbac7', '#22272e'];
const [WIDTH, HEIGHT, MARGIN] = [7.8, 18, 14];

const escaped = (part) => part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The SGR codes that hold after these, as SVG attributes. */
function style(codes) {
  const colour = codes.findLast((code) => code === 39 || code in COLOURS);
  const weight = codes.findLast((code) => code === 1 || code === 2 || code === 22);
  const fill = COLOURS[colour] ?? TEXT;
  return `fill="${fill}"${weight === 1 ? ' font-weight="bold"' : ''}${weight === 2 ? ' opacity="0.7"' : ''}`;
}

/** One line of output as text spans. */
function spans(line) {
  const codes = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence starts with one
  const parts = line.split(/\u001b\[([\d;]*)m/);
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return part === '' ? '' : `<tspan ${style(codes)}>${escaped(part)}</tspan>`;
      codes.push(...part.split(';').map(Number));
      return '';
    })
    .join('');
}

/** Keep `count` lines, the first two thirds from the start. */
function shorten(lines, count) {
  if (lines.length <= count) return lines;
  const head = Math.ceil((count - 1) * 0.66);
  return [...lines.slice(0, head), '  …', ...lines.slice(lines.length - (count - 1 - head))];
}

const all = (await text(process.stdin)).trimEnd().split('\n');
const lines = shorten(all, Number(process.argv[2] ?? all.length));
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const columns = Math.max(80, ...lines.map((line) => line.replace(/\u001b\[[\d;]*m/g, '').length));
const [width, height] = [columns * WIDTH + 2 * MARGIN, lines.length * HEIGHT + 2 * MARGIN];
const rows = lines.map(
  (line, i) => `<text x="${MARGIN}" y="${MARGIN + (i + 0.75) * HEIGHT}">${spans(line)}</text>`,
);
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${height}" width="${Math.ceil(width)}" ` +
    `font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" xml:space="preserve">\n` +
    `<title>What the command printed</title>\n<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>\n${rows.join('\n')}\n</svg>\n`,
);
