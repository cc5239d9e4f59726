import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeOutput } from '../../process/output-file.js';
import { cacheRoot, fileHash } from '../cache.js';
import { LabError } from '../errors.js';
import { exec } from '../exec.js';

/** What a checkout's text about itself may hold: branches and names are short. */
const text = z.string().min(1).max(1000);

/** Which commit a kernel was built from. */
export const gitOrigin = z.strictObject({
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  branch: text.exactOptional(),
  /** As `git describe` has it. */
  describe: text.exactOptional(),
  url: text.exactOptional(),
  /** SHA-256 of each patch that was applied to it, in order. */
  patches: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(10_000),
});
export type GitOrigin = z.infer<typeof gitOrigin>;

/** Origins that are kept; of older images nothing is known any more. */
const MOST_KEPT = 256;
const MOST_BYTES = 1 << 20;

/** A repository's address without the name and the password that may stand in it. */
function publicUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname } = new URL(url);
  return protocol === 'https:' ? `https://${host}${pathname}` : undefined;
}

/** What git says; undefined where it refuses. Nothing is written to the repository, and no hook's environment leads elsewhere. */
async function ask(tree: string, args: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const env = { ...Object.fromEntries(ours), GIT_OPTIONAL_LOCKS: '0' };
  const { status, stdout } = await exec('git', ['-C', tree, ...args], { env, signal });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The commit that a tree is a checkout of; undefined where it is none, where files differ from that commit, and where there is no git.
 *
 * @throws LabError LAB_ABORTED
 */
export async function checkoutOf(
  tree: string,
  signal?: AbortSignal,
): Promise<Omit<GitOrigin, 'patches'> | undefined> {
  // A folder somewhere below a repository is no checkout of it.
  if (!existsSync(join(tree, '.git'))) return undefined;
  try {
    const commit = await ask(tree, ['rev-parse', '--verify', 'HEAD'], signal);
    const changes = await ask(tree, ['status', '--porcelain', '--untracked-files=no'], signal);
    if (commit === undefined || changes !== '') return undefined;
    const branch = await ask(tree, ['symbolic-ref', '--quiet', '--short', 'HEAD'], signal);
    const describe = await ask(tree, ['describe'], signal);
    const remote = await ask(tree, ['config', '--get', 'remote.origin.url'], signal);
    const url = publicUrl(remote ?? '');
    const found = { commit, ...(branch && { branch }), ...(describe && { describe }), ...(url && { url }) };
    return gitOrigin.omit({ patches: true }).safeParse(found).data;
  } catch (error) {
    if (error instanceof LabError && error.code === 'LAB_TOOL_MISSING') return undefined;
    throw error;
  }
}

const folder = (): string => join(cacheRoot(), 'origins');

/** Remember what an image was built from, so that it is known wherever a copy of the image lies. */
export async function keepOrigin(
  image: string,
  checkout: Omit<GitOrigin, 'patches'>,
  patches: readonly Uint8Array[],
): Promise<void> {
  const hashes = patches.map((patch) => createHash('sha256').update(patch).digest('hex'));
  const file = join(folder(), `${await fileHash(image)}.json`);
  await mkdir(folder(), { recursive: true });
  writeOutput(file, JSON.stringify({ ...checkout, patches: hashes }));
  await forgetOldest();
}

async function forgetOldest(): Promise<void> {
  const names = await readdir(folder());
  if (names.length <= MOST_KEPT) return;
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(folder(), name);
      return { path, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  aged.sort((a, b) => b.at - a.at);
  for (const { path } of aged.slice(MOST_KEPT)) await rm(path, { force: true });
}

/** What an image was built from, by its SHA-256; undefined where that is not known, or what is kept is damaged. */
export async function originOf(sha256: string): Promise<GitOrigin | undefined> {
  try {
    const file = join(folder(), `${sha256}.json`);
    if ((await stat(file)).size > MOST_BYTES) return undefined;
    return gitOrigin.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
