import { textWidth, wrapLines } from '../../text/wrap.js';
import type { Answer } from './answer.js';
import type { FromFiles } from './from/from.js';

/** The answer as data, with what it rests on; an answer that is a list is then called `map`. */
function jsonOf(answer: Answer, read: FromFiles | undefined): object {
  const told = answer.json();
  if (read === undefined) return told;
  return { read: read.json(), ...(Array.isArray(told) ? { map: told } : told) };
}

/** Write an answer to stdout, after what was read to find it. */
export function writeAnswer(answer: Answer, read: FromFiles | undefined, format: 'pretty' | 'json'): void {
  const { stdout } = process;
  if (format === 'json') {
    stdout.write(`${JSON.stringify(jsonOf(answer, read), null, 2)}\n`);
    return;
  }
  const text = `${read?.text() ?? ''}${answer.text()}`;
  stdout.write(stdout.isTTY ? wrapLines(text, textWidth(stdout)) : text);
}
