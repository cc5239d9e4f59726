import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import { type ExecOptions, exec, mustExec } from '../exec.js';

/** Where a Debian machine says which mirrors it uses, in both formats. */
const SOURCES_LIST = '/etc/apt/sources.list';
const SOURCES_PARTS = '/etc/apt/sources.list.d';

/** Suites that carry a kernel series; `-security` names are for the security archive. */
const SUITES_OF: Record<string, string[]> = {
  '5.10': ['bullseye', 'bullseye-security'],
  '6.1': ['bookworm', 'bookworm-security'],
  '6.12': ['trixie', 'trixie-security'],
};
const NEW_SUITES = ['sid', 'trixie-backports'];

export function suitesFor(series: string): string[] {
  return SUITES_OF[series] ?? NEW_SUITES;
}

/** One archive of the machine: the lines of a deb822 stanza without its suites. */
interface Archive {
  uri: string;
  security: boolean;
  options: string[];
}

/**
 * Read the Debian archives out of the machine's apt sources.
 *
 * @param deb822 contents of the .sources files
 * @param oneLine contents of sources.list and the .list files
 */
export function debianArchives(deb822: readonly string[], oneLine: readonly string[]): Archive[] {
  const found: Archive[] = [];
  const add = (uri: string, suites: string, options: string[]): void => {
    if (!/\bdebian/.test(uri)) return;
    const security = /security/.test(suites) || /security/.test(uri);
    if (!found.some((archive) => archive.uri === uri)) found.push({ uri, security, options });
  };
  for (const stanza of deb822.flatMap((text) => text.split(/\n\s*\n/))) {
    const fields = new Map<string, string>();
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match) fields.set((match[1] as string).toLowerCase(), (match[2] as string).trim());
    }
    const types = (fields.get('types') ?? '').split(/\s+/);
    if (!types.includes('deb') || fields.get('enabled') === 'no') continue;
    const signed = fields.get('signed-by');
    const options = signed ? [`Signed-By: ${signed}`] : [];
    for (const uri of (fields.get('uris') ?? '').split(/\s+/)) add(uri, fields.get('suites') ?? '', options);
  }
  for (const line of oneLine.flatMap((text) => text.split('\n'))) {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line.trim());
    if (!match) continue;
    const signed = /signed-by=(\S+)/.exec(match[1] ?? '');
    add(match[2] as string, match[3] as string, signed ? [`Signed-By: ${signed[1]}`] : []);
  }
  return found;
}

/** What of an archive is wanted: packages, or what they are made from. */
type PackageKind = 'deb' | 'deb-src';

/** The same archives with the suites wanted, as one deb822 file. */
export function sourcesFile(
  archives: readonly Archive[],
  suites: readonly string[],
  kind: PackageKind = 'deb',
): string {
  return archives
    .map((archive) => {
      const wanted = suites.filter((suite) => suite.endsWith('-security') === archive.security);
      if (wanted.length === 0) return '';
      return [
        `Types: ${kind}`,
        `URIs: ${archive.uri}`,
        `Suites: ${wanted.join(' ')}`,
        'Components: main',
        ...archive.options,
        '',
      ].join('\n');
    })
    .filter((text) => text !== '')
    .join('\n');
}

/** A private apt below `dir`: it reads the machine's mirrors and keys and writes nothing outside `dir`. */
export class PrivateApt {
  private constructor(private readonly options: string[]) {}

  /** @throws LabError LAB_SOURCE when this machine has no Debian mirror configured */
  static async create(dir: string, suites: readonly string[], kind?: PackageKind): Promise<PrivateApt> {
    const archives = await machineArchives();
    for (const sub of ['lists/partial', 'archives/partial', 'parts'])
      await mkdir(join(dir, sub), { recursive: true });
    await writeFile(join(dir, 'status'), '');
    await writeFile(join(dir, 'parts/lab.sources'), sourcesFile(archives, suites, kind));
    const settings = {
      'Dir::State': dir,
      'Dir::State::status': join(dir, 'status'),
      'Dir::State::lists': join(dir, 'lists'),
      'Dir::Cache': dir,
      'Dir::Etc::sourcelist': '/dev/null',
      'Dir::Etc::sourceparts': join(dir, 'parts'),
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
    };
    return new PrivateApt(Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]));
  }

  /** Fetch the package lists; returns apt's complaints. One suite that is not on the mirror does not stop the others. */
  async update(o: ExecOptions): Promise<string[]> {
    const { tail } = await exec('apt-get', [...this.options, 'update'], o);
    return tail.filter((line) => /^(?:Err|E|W):/.test(line));
  }

  /** The newest version of a package, or undefined. */
  async candidate(name: string, o: ExecOptions): Promise<string | undefined> {
    const { stdout } = await exec('apt-cache', [...this.options, 'show', '--no-all-versions', name], o);
    return /^Version: (\S+)$/m.exec(stdout)?.[1];
  }

  /** Download a package's .deb into `dir`, checked by apt against the signed lists. */
  async download(name: string, version: string, dir: string, o: ExecOptions): Promise<void> {
    await mustExec('apt-get', [...this.options, 'download', `${name}=${version}`], {
      ...o,
      cwd: dir,
      code: 'LAB_DOWNLOAD',
      what: `cannot download ${name} ${version}`,
    });
  }

  /** Download a source package's files into `dir`, checked in the same way. */
  async downloadSource(name: string, version: string, dir: string, o: ExecOptions): Promise<void> {
    const args = [...this.options, 'source', '--download-only', `${name}=${version}`];
    const what = `cannot download the sources of ${name} ${version}`;
    await mustExec('apt-get', args, { ...o, cwd: dir, code: 'LAB_DOWNLOAD', what });
  }
}

/**
 * The Debian archives that this machine's apt uses.
 *
 * @throws LabError LAB_SOURCE when it uses none
 */
export async function machineArchives(): Promise<Archive[]> {
  const { deb822, oneLine } = await readSources();
  const archives = debianArchives(deb822, oneLine);
  if (archives.length === 0)
    throw new LabError('LAB_SOURCE', 'no Debian mirror in this machine’s apt sources');
  return archives;
}

async function readSources(): Promise<{ deb822: string[]; oneLine: string[] }> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const names = await readdir(SOURCES_PARTS).catch(() => []);
  const pick = (ending: string): string[] =>
    names.filter((name) => name.endsWith(ending)).map((name) => join(SOURCES_PARTS, name));
  return {
    deb822: await Promise.all(pick('.sources').map(read)),
    oneLine: await Promise.all([SOURCES_LIST, ...pick('.list')].map(read)),
  };
}
