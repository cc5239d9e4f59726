/**
 * All that a terminal, or a reader's eye, does not take as a letter: control characters (C1 too: 0x9b begins a sequence as
 * ESC [ does), line and paragraph separators, lone surrogates, and format characters, which turn text round or hide it.
 * Source: Unicode's general categories; ECMA-48, "Control functions".
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const LINE_END = /\r?\n/g;

function visible(sign: string): string {
  const code = sign.codePointAt(0) as number;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16)}` : `\\u{${code.toString(16)}}`;
}

const clean = (text: string): string => text.replaceAll('\t', ' ').replace(UNSAFE, visible);

/**
 * One line that does to a terminal nothing but show itself, whoever made the text: a kernel under test, its agent, a file. What
 * is not safe is shown as `\x1b`; a line end becomes a blank.
 */
export const safeLine = (text: string): string => clean(text.replace(LINE_END, ' '));

/** As safeLine(), but line ends stay. */
export const safeText = (text: string): string => text.split(LINE_END).map(clean).join('\n');

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON with a line for each value has very many line ends: these are not looked at one by one. */
const UNSAFE_IN_JSON = new RegExp(`(?!\\n)${UNSAFE.source}`, 'gu');

/** What is none of the signs that are safe in any case, and that nearly all of JSON is made of: quick to look for. */
const UNCOMMON = /[^\n -~]/;

/** JSON that reads the same, with everything unsafe in its strings as `\u` escapes. Line ends between its values stay. */
export const safeJson = (json: string): string =>
  UNCOMMON.test(json) ? json.replace(UNSAFE_IN_JSON, (sign) => sign.split('').map(escaped).join('')) : json;
