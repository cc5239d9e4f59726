import { UsageError } from '../errors.js';

/** A part of a word: in quotes, behind a backslash, or as it stands. */
const PART = /'([^']*)'|"([^"]*)"|\\(.)|([^\s'"\\]+)/y;

/**
 * The words of a line, as a shell has them: parted by blanks, but for those in quotes or behind a backslash.
 * @throws UsageError if a quote is not closed
 */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  let isOpen = false;
  while (at < line.length) {
    if (/\s/.test(line[at] as string)) {
      isOpen = false;
      at++;
      continue;
    }
    PART.lastIndex = at;
    const part = PART.exec(line);
    if (part === null) throw new UsageError(`a quote is not closed: ${line.slice(at)}`);
    const text = part.slice(1).find((one) => one !== undefined) ?? '';
    if (isOpen) words.push(`${words.pop()}${text}`);
    else words.push(text);
    isOpen = true;
    at = PART.lastIndex;
  }
  return words;
}
