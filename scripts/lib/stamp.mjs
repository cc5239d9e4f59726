import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Every file under `path` (itself, if it is a file), sorted; nothing where it does not exist. */
function filesUnder(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

/** A hash over names and contents of all files under `inputs` that pass `keep`, and over `extra`. */
export function hashInputs(root, inputs, { extra = [], keep = () => true } = {}) {
  const hash = createHash('sha256');
  for (const input of inputs) {
    for (const file of filesUnder(join(root, input)).filter(keep)) {
      const content = readFileSync(file);
      hash.update(`${file.slice(root.length)}\0${content.length}\0`).update(content);
    }
  }
  for (const value of extra) hash.update(`${value}\0`);
  return hash.digest('hex');
}

const stampPath = (root, name) => join(root, '.setup', 'stamps', name);

/** Whether `name` was last built from inputs with this hash and all its outputs still exist. */
export function isFresh(root, name, hash, outputs) {
  const path = stampPath(root, name);
  return (
    existsSync(path) &&
    readFileSync(path, 'utf8') === hash &&
    outputs.every((output) => existsSync(join(root, output)))
  );
}

export function writeStamp(root, name, hash) {
  const path = stampPath(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, hash);
}
