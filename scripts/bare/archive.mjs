import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from '../lib/run.mjs';
import { namespaced, SCRIPT } from './namespace.mjs';
import { SUITES } from './suites.mjs';

/** Where the archive of a bare Debian lies: it is named by what goes into it. */
export function archivePath(folder, suite, sources) {
  const parts = [suite, SUITES[suite], sources, readFileSync(SCRIPT, 'utf8')];
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  return join(folder, `${suite}-${key}.tar.gz`);
}

/** Whether an archive is there and was not cut off or changed (gzip keeps a checksum). */
export async function isWhole(archive, root) {
  if (!existsSync(archive)) return false;
  try {
    await runStep('checking the saved Debian', 'bare-check', 'gzip', ['--test', '--quiet', archive], {
      cwd: root,
    });
    return true;
  } catch {
    process.stderr.write(`kvm-memtype bare: ${archive} is damaged: it is made anew\n`);
    return false;
  }
}

/** Node.js and npm out of npm's own packages, where the release has none that is new enough. */
async function fetchNode(packages, folder, logs) {
  if (packages.length === 0) return {};
  mkdirSync(folder);
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', ...packages];
  await runStep('fetching Node.js', 'bare-node', 'npm', args, { cwd: folder, logs });
  return { NODE: folder };
}

/**
 * Make the archive unless it is there and whole. Others of the same release go, and what killed runs left of them.
 * @param {{ root: string, folder: string, scratch: string, suite: string, archive: string, mirror: string, env: NodeJS.ProcessEnv }} work
 * @throws SetupError when Debian cannot be made
 */
export async function ensureArchive({ root, folder, scratch, suite, archive, mirror, env }) {
  if (await isWhole(archive, root)) return;
  for (const name of readdirSync(folder).filter((name) => name.startsWith(`${suite}-`)))
    rmSync(join(folder, name));
  const { release, packages, npm } = SUITES[suite];
  const node = await fetchNode(npm, join(scratch, 'node'), join(root, '.setup/log'));
  const partial = `${archive}.partial`;
  const words = ['make', join(folder, 'root'), partial, suite, mirror, packages.join(' ')];
  const [command, args] = namespaced(words);
  await runStep(`making a bare ${release}`, `bare-${suite}`, command, args, {
    cwd: root,
    env: { ...env, ...node },
  });
  renameSync(partial, archive);
}
