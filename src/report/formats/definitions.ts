import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The catalogue's modules, from src and dist alike. */
const FOLDER = fileURLToPath(new URL('../../../src/catalogue', import.meta.url));
/** What names scenarios without defining them. */
const NO_DEFINITIONS = /\.test\.ts$|(?:^|\/)killers\.ts$/;

/** Where a scenario is defined: a module, and the line that names it. */
interface Definition {
  file: string;
  line: number;
}

interface Name extends Definition {
  /** What the name is, with nothing for what the program puts in. */
  fixed: string;
  pattern: RegExp;
}

/** A string that may name a scenario: `'family/name'`, or with values put in. */
const NAME = /(['`])([a-z0-9]+\/(?:[a-z0-9-]|\$\{[^}]*\})+)\1/g;
const VALUE = /\$\{[^}]*\}/;

function namesOf(file: string): Name[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((text, i) =>
    [...text.matchAll(NAME)].map(([, , name = '']) => {
      const parts = name.split(VALUE);
      return { file, line: i + 1, fixed: parts.join(''), pattern: new RegExp(`^${parts.join('.+')}$`) };
    }),
  );
}

let names: Name[] | undefined;

function allNames(): Name[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !NO_DEFINITIONS.test(file))
    .flatMap((file) => namesOf(join(FOLDER, file)));
}

/** Where the catalogue defines a scenario, by the text of its modules; undefined where it has none of that name. */
export function definitionOf(name: string): Definition | undefined {
  names ??= allNames();
  const fitting = names.filter(({ pattern }) => pattern.test(name));
  const [best] = fitting.sort((a, b) => b.fixed.length - a.fixed.length);
  return best && { file: best.file, line: best.line };
}
