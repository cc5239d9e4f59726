/** Columns of a line of C, tabs counted as eight. */
const WIDTH = 80;
const TAB = 8;

const widthOf = (line: string): number =>
  [...line].reduce((at, char) => (char === '\t' ? at + TAB - (at % TAB) : at + 1), 0);

/** Blanks up to a column, as the kernel has them: tabs, then spaces. */
const blanksTo = (column: number): string => '\t'.repeat(Math.floor(column / TAB)) + ' '.repeat(column % TAB);

/** Join words with blanks into lines that are no wider than there is room for. */
function fill(words: readonly string[], first: string, rest: string, end = '', width = WIDTH): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const [i, word] of words.entries()) {
    const tail = i === words.length - 1 ? end : '';
    if (!isEmpty && widthOf(`${line} ${word}${tail}`) > width) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += `${isEmpty ? '' : ' '}${word}`;
    isEmpty = false;
  }
  return [...lines, `${line}${end}`];
}

/** A call as a statement of a function, its arguments below one another where they need more than a line. */
export function call(name: string, args: readonly string[]): string[] {
  const open = `\t${name}(`;
  const words = args.map((arg, i) => (i < args.length - 1 ? `${arg},` : arg));
  return fill(words, open, blanksTo(widthOf(open)), ');');
}

/** Text that ends no comment, in ASCII as the kernel's is. */
const plain = (text: string): string =>
  text
    .replaceAll('*/', '* /')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"')
    .replaceAll('…', '...')
    .replaceAll(/[^\x20-\x7e]/g, '?');

/** A call whose last argument is text, in as many pieces as it takes lines. */
export function callWith(name: string, args: readonly string[], text: string): string[] {
  const open = `\t${name}(${args.map((arg) => `${arg}, `).join('')}"`;
  const column = `${blanksTo(widthOf(`\t${name}(`))}"`;
  const words = plain(text).replaceAll(/["\\]/g, '\\$&').split(' ');
  const pieces = fill(words, open, column, '");', WIDTH - 2);
  // A blank ends each piece but the last, and there is room for it and for the mark that closes it.
  return pieces.map((piece, i) => (i < pieces.length - 1 ? `${piece} "` : piece));
}

/** A paragraph of the comment at the head of a file. */
export const paragraph = (text: string): string[] => fill(plain(text).split(' '), ' * ', ' * ');

/** A number of at most 64 bits. */
export function hex(value: bigint | number): string {
  const text = `0x${value.toString(16)}`;
  return BigInt(value) > 0xffff_ffffn ? `${text}ULL` : text;
}
