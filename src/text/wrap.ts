import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

const STANDARD_WIDTH = 80;
/** Narrower than this, more would be broken than is gained. */
const LEAST_WIDTH = 40;

/** Columns that text for `stream` may take: those of the terminal; elsewhere COLUMNS, or 80. */
export function textWidth(
  stream: { isTTY?: boolean; columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): number {
  const asked = /^\d{1,5}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : 0;
  return Math.max(LEAST_WIDTH, (stream.isTTY && stream.columns) || asked || STANDARD_WIDTH);
}

/** To wrap text takes long, and most of it is short: printable ASCII has a column for each character. */
const toLines = (text: string, width: number): string[] =>
  text.length <= width && /^[ -~]*$/.test(text)
    ? [text.trim()]
    : wrapAnsi(text, width, { hard: false }).split('\n');

/** Fewer columns than this are too few for text; it then stands below, indented by so many. */
const LEAST_TEXT = 24;
const BELOW = 8;

/**
 * `first`, then `text` wrapped at blanks to `width` columns, each line `indent` columns in: right of `first`, unless told. A word that is longer than a line
 * stays whole: a path or a command in two pieces cannot be copied.
 */
export function hang(first: string, text: string, width: number, indent = stringWidth(first)): string {
  if (indent > BELOW && width - indent < LEAST_TEXT)
    return `${first.trimEnd()}\n${hang(' '.repeat(BELOW), text, width)}`;
  return first + toLines(text, width - indent).join(`\n${' '.repeat(indent)}`);
}

/** Wrap what is too long of a text, each line at its own indentation. */
export function wrapLines(text: string, width: number): string {
  const wrapped = text.split('\n').map((line) => {
    const [indent = ''] = /^ */.exec(line) ?? [];
    return stringWidth(line) <= width ? line : hang(indent, line.slice(indent.length), width);
  });
  return wrapped.join('\n');
}
