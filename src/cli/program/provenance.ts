import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, release, version } from 'node:os';
import { fileURLToPath } from 'node:url';
import { VERSION } from './version.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** It only ends a git that hangs: one that looks at each file of a slow file system takes seconds, and jobs are told apart by what it says. */
const GIT_LIMIT_MS = 60_000;

/** The environment without what points git to another repository, as in its hooks, and with nothing written. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(ours), GIT_OPTIONAL_LOCKS: '0' };
}

/** The commit of this checkout, `-dirty` if files were changed; undefined where the program was installed. */
function revision(): string | undefined {
  if (!existsSync(`${ROOT}.git`)) return undefined;
  const args = ['-C', ROOT, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude', '*'];
  const git = spawnSync('git', args, { env: gitEnvironment(), encoding: 'utf8', timeout: GIT_LIMIT_MS });
  const text = git.status === 0 ? git.stdout.trim() : '';
  return text === '' ? undefined : text;
}

/** What program results are from. */
export function toolInfo(): { name: 'kvm-memtype'; version: string; revision?: string } {
  const commit = revision();
  return { name: 'kvm-memtype', version: VERSION, ...(commit !== undefined && { revision: commit }) };
}

/** The machine that the program runs on. */
export const hostInfo = (): { cpu: string; release: string; version: string } => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  release: release(),
  version: version(),
});
