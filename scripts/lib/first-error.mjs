import { stripVTControlCharacters } from 'node:util';

/** How node-gyp introduces what stopped it. */
const GYP = /^gyp ERR! stack Error: /;

/** How tools of a build tell what is wrong, the most telling first: a compiler's own word before what its callers make of it. */
const TELLING = [
  /^(?!collect2).*(\berror: |\berror TS\d+: )/,
  /undefined reference to|ld: cannot find|multiple definition of/,
  /^CMake Error/,
  /: (command )?not found$|[Nn]o such file or directory|No space left on device/,
  GYP,
  /^E: |^npm error (?!code|errno|A complete log)|✘ \[ERROR\]/,
  /^ERROR /,
];
const CONTEXT_LINES = 4;

/**
 * The first error in a build's log and the lines that explain it (source line, caret; CMake's text is in the line below).
 * @param {string} text the whole log
 * @returns {string[]} nothing where no tool's way to tell of an error is known
 */
export function firstError(text) {
  const lines = stripVTControlCharacters(text).split('\n');
  for (const pattern of TELLING) {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at >= 0) return [lines[at].trim().replace(GYP, ''), ...contextAfter(lines.slice(at + 1))];
  }
  return [];
}

/** The indented lines that follow: the next tool's line starts at the margin. */
function contextAfter(lines) {
  const end = lines.findIndex((line) => !/^\s/.test(line));
  return lines.slice(0, Math.min(end < 0 ? lines.length : end, CONTEXT_LINES));
}
