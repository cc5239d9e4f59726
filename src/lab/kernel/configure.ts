import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentKey } from '../cache.js';
import { exhausted, LabError } from '../errors.js';
import type { ExecOptions } from '../exec.js';
import type { BuildDir } from './builddir.js';
import { checkConfig, configInputs, declaredOptions, fragmentLines, type WantedOption } from './kconfig.js';

/** What came of configuring a build directory. */
export interface Configured {
  /** Options that the version offers as modules only. */
  modular: string[];
  /** What the version cannot have, for people. */
  remarks: string[];
}

/** Kept in the build directory: what it was configured from, and the hash of what came out. */
interface Stamp extends Configured {
  inputs: string;
  config: string;
}

/** What configures, and as what. */
export interface Configuration {
  tree: string;
  label: string;
  wanted: readonly WantedOption[];
}

/**
 * Configure a build directory, unless it is as it would become: same options, same files that kconfig reads, .config untouched.
 *
 * @throws LabError LAB_CONFIG, LAB_DISK_FULL, LAB_RESOURCES, LAB_ABORTED
 */
export async function configure(
  build: BuildDir,
  c: Configuration,
  options: ExecOptions,
): Promise<Configured> {
  const stampFile = join(build.path, '.configured');
  const inputs = contentKey(JSON.stringify(c.wanted), configInputs(c.tree));
  const stamp = await readStamp(stampFile);
  if (stamp?.inputs === inputs && stamp.config === (await configHash(build))) return stamp;
  await rm(stampFile, { force: true });
  await makeConfig('tinyconfig', build, c, options);
  await appendFile(configFile(build), fragmentLines(c.wanted));
  await makeConfig('olddefconfig', build, c, options);
  const configured = await verify(build, c);
  const next: Stamp = { inputs, config: await configHash(build), ...configured };
  await writeFile(stampFile, JSON.stringify(next));
  return configured;
}

const configFile = (build: BuildDir): string => join(build.path, '.config');

/** Of no .config the hash of nothing, which no stamp holds. */
async function configHash(build: BuildDir): Promise<string> {
  return contentKey(await readFile(configFile(build)).catch(() => ''));
}

async function readStamp(file: string): Promise<Stamp | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as Stamp;
  } catch {
    return undefined; // None, or cut short.
  }
}

async function makeConfig(
  target: string,
  build: BuildDir,
  c: Configuration,
  options: ExecOptions,
): Promise<void> {
  const { status, tail } = await build.make([target], options);
  if (status === 0) return;
  const what = `cannot configure ${c.label}`;
  throw exhausted(what, tail) ?? new LabError('LAB_CONFIG', what, tail);
}

/** Compare what came out with what was wanted. */
async function verify(build: BuildDir, c: Configuration): Promise<Configured> {
  const known = declaredOptions(c.tree);
  const check = checkConfig(c.wanted, await readFile(configFile(build), 'utf8'), (name) => known.has(name));
  const refused = check.dropped.filter((option) => !option.optional);
  if (refused.length > 0)
    throw new LabError(
      'LAB_CONFIG',
      `${c.label} dropped ${refused.map(({ name, value }) => `${name}=${value}`).join(', ')}: a dependency is missing`,
    );
  const missed = check.dropped.map((option) => option.name);
  const remarks = [];
  if (check.absent.length > 0) remarks.push(`${c.label} has no ${check.absent.join(', ')}`);
  if (missed.length > 0) remarks.push(`${c.label} cannot have ${missed.join(', ')}`);
  return { modular: check.modular, remarks };
}
