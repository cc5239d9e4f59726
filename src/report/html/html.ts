import { safeText } from '../../text/safe.js';

/** HTML that is written as it is: all else is escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | undefined | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML, in an element or in an attribute between quotes: nothing in it is markup, or acts on a reader's eye. */
const escapeHtml = (text: string): string =>
  safeText(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === false) return '';
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(String(part));
}

/** HTML of a template: what is put into it is escaped, unless it is Html itself. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.map((text, i) => text + textOf(parts[i])).join(''));
}
