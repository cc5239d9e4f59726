import { safeJson, safeText } from '../../text/safe.js';
import { textWidth, wrapLines } from '../../text/wrap.js';
import type { Answer } from './answer.js';
import type { FromFiles } from './from/from.js';

/** The answer as data, with what it rests on; an answer that is a list is then called `map`. */
function jsonOf(answer: Answer, read: FromFiles | undefined): object {
  const told = answer.json();
  if (read === undefined) return told;
  return { read: read.json(), ...(Array.isArray(told) ? { map: told } : told) };
}

/** Write an answer to stdout, after what was read to find it. Files are not trusted: no name of theirs may move a terminal. */
export function writeAnswer(answer: Answer, read: FromFiles | undefined, format: 'pretty' | 'json'): void {
  const { stdout } = process;
  if (format === 'json') {
    stdout.write(`${safeJson(JSON.stringify(jsonOf(answer, read), null, 2))}\n`);
    return;
  }
  const text = safeText(`${read?.text() ?? ''}${answer.text()}`);
  stdout.write(stdout.isTTY ? wrapLines(text, textWidth(stdout)) : text);
}
