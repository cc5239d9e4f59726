import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { contentKey } from '../cache.js';
import { LabError } from '../errors.js';

export interface WantedOption {
  name: string;
  value: string;
  /** A version may lack it, or refuse it. */
  optional: boolean;
}

/**
 * Parse configuration fragments: `NAME=value`, `NAME?` (y where the version has it) or the kernel's own `CONFIG_NAME=value` and
 * `# CONFIG_NAME is not set`, one a line. A later line overrides an earlier one, a later file an earlier one.
 *
 * @throws LabError LAB_CONFIG with file and number of the first line that is none of these
 */
export function parseFragments(files: readonly { name: string; text: string }[]): WantedOption[] {
  const wanted = new Map<string, WantedOption>();
  for (const { name, text } of files)
    for (const [index, line] of text.split('\n').entries()) {
      const option = parseLine(line.trim(), `${name}, line ${index + 1}`);
      if (option) wanted.set(option.name, option);
    }
  return [...wanted.values()];
}

function parseLine(line: string, place: string): WantedOption | undefined {
  const off = /^# CONFIG_(\w+) is not set$/.exec(line);
  if (off) return { name: off[1] as string, value: 'n', optional: false };
  if (line === '' || line.startsWith('#')) return undefined;
  const match = /^(?:CONFIG_)?(\w+)(?:(\?)|(\??)=(.+))$/.exec(line);
  if (!match) throw new LabError('LAB_CONFIG', `${place} is not NAME=value: ${line.slice(0, 200)}`);
  const optional = Boolean(match[2] || match[3]);
  return { name: match[1] as string, value: match[4] ?? 'y', optional };
}

/** The fragment as lines to append to a .config. */
export function fragmentLines(wanted: readonly WantedOption[]): string {
  return wanted
    .map(({ name, value }) => (value === 'n' ? `# CONFIG_${name} is not set\n` : `CONFIG_${name}=${value}\n`))
    .join('');
}

export interface ConfigCheck {
  /** Not known to this version at all. */
  absent: string[];
  /** Known, wanted, and still not as wanted after olddefconfig. */
  dropped: WantedOption[];
  /** Wanted built in, and offered as a module only. */
  modular: string[];
}

/** Compare what was wanted with a finished .config. */
export function checkConfig(
  wanted: readonly WantedOption[],
  config: string,
  known: (name: string) => boolean,
): ConfigCheck {
  const actual = new Map<string, string>();
  for (const line of config.split('\n')) {
    const match = /^CONFIG_(\w+)=(.*)$/.exec(line);
    if (match) actual.set(match[1] as string, match[2] as string);
  }
  const unmet = wanted.filter(({ name, value }) => (actual.get(name) ?? 'n') !== value);
  const isModular = ({ name, value }: WantedOption): boolean => value === 'y' && actual.get(name) === 'm';
  return {
    absent: unmet.filter(({ name }) => !known(name)).map(({ name }) => name),
    dropped: unmet.filter((option) => known(option.name) && !isModular(option)),
    modular: unmet.filter(isModular).map(({ name }) => name),
  };
}

/** Names of all options that a kernel tree declares. */
export function declaredOptions(tree: string): Set<string> {
  const names = new Set<string>();
  for (const file of filesBelow(tree))
    if (isKconfig(file)) for (const name of declared(readFileSync(join(tree, file), 'utf8'))) names.add(name);
  return names;
}

/** A name for the content of all files of a kernel tree that what comes out of configuring it may depend on. */
export function configInputs(tree: string): string {
  const files = [...filesBelow(tree)].filter((file) => isKconfig(file) || CONFIGURES.test(file)).sort();
  return contentKey(...files.flatMap((file) => [file, readFileSync(join(tree, file))]));
}

const isKconfig = (file: string): boolean => basename(file).startsWith('Kconfig');

/** Beside the Kconfig files: the makefiles that start kconfig, its source, the scripts it calls, and the configurations it starts from. */
const CONFIGURES =
  /^(?:Makefile|Kbuild|scripts\/.+|kernel\/configs\/.+|arch\/[^/]+\/(?:Makefile[^/]*|(?:configs|tools)\/.+))$/;

/** Paths of the regular files below a directory, relative to it. */
function* filesBelow(root: string): Iterable<string> {
  const pending = [''];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop())
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) yield path;
    }
}

function* declared(kconfig: string): Iterable<string> {
  for (const match of kconfig.matchAll(/^\s*(?:menu)?config\s+(\w+)/gm)) yield match[1] as string;
}
