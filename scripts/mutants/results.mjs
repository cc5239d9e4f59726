import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../setup.mjs';
import { kernelNamed } from './mutant.mjs';

/** What decides a verdict beside the scenarios: what runs in the lab, the model, the judge. */
const DECIDING = ['lab/agent.program.js', 'scenario', 'memtype', 'check'];

/** Short name for all of `parts`, which are told apart. */
function keyOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

/** The text of a compiled file, or of all in a folder. */
function textsOf(path) {
  if (path.endsWith('.js')) return [readFileSync(path, 'utf8')];
  const files = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('.js'));
  return files.sort().map((name) => readFileSync(join(path, name), 'utf8'));
}

/** What decides whether random scenarios find a fault: these scenarios too, but not the catalogue. */
export async function fuzzFingerprint() {
  const texts = [...DECIDING, 'fuzz'].flatMap((name) => textsOf(join(ROOT, 'dist', name)));
  return { names: [], key: keyOf(...texts) };
}

export async function catalogueFingerprint() {
  const { catalogue } = await import('../../dist/catalogue/index.js');
  const { printScenario } = await import('../../dist/scenario/file/print.js');
  const texts = DECIDING.flatMap((name) => textsOf(join(ROOT, 'dist', name)));
  return { names: catalogue.map(({ name }) => name), key: keyOf(...texts, ...catalogue.map(printScenario)) };
}

/** What is known of each mutant, a file for each: it holds for one patch, kernel, model and judge, and the scenarios. */
export class Results {
  constructor(folder, catalogue, isFresh) {
    this.folder = folder;
    this.catalogue = catalogue;
    this.isFresh = isFresh;
  }

  /** The key of what a mutant, or with no text a kernel itself, gives. */
  keyFor(kernel, text = '') {
    const below = kernelNamed(kernel).patches.map((path) => readFileSync(path, 'utf8'));
    return keyOf(kernel, ...below, text, this.catalogue.key);
  }

  pathOf(id, kind = 'json') {
    const path = join(this.folder, `${id}.${kind}`);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  /** What was found last, whatever it holds for; undefined if there is nothing that can be read. */
  last(id) {
    try {
      return JSON.parse(readFileSync(this.pathOf(id), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** What still holds. */
  current(id, key) {
    const last = this.last(id);
    return !this.isFresh && last?.key === key ? last : undefined;
  }

  save(id, result) {
    const path = this.pathOf(id);
    writeFileSync(`${path}.new`, `${JSON.stringify(result, undefined, 2)}\n`);
    renameSync(`${path}.new`, path);
    return result;
  }
}
