import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BuildDir, removeBuildDirs } from './builddir.js';
import { cacheRoot } from './cache.js';
import { LabError } from './errors.js';
import { exec, mustExec } from './exec.js';
import type { KernelSource } from './sources.js';

interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: (line: string) => void;
}

/** What the tree holds at the moment, kept beside it. */
interface State {
  sourceKey: string;
  /** Files that patches changed since the tree was a copy of the source. */
  touched: string[];
}

/** Leave these behind when copying a tree that somebody built in: an out-of-tree build refuses to start with them. */
const BUILD_OUTPUT = [
  '/.git',
  '/.config',
  '/include/config',
  '/include/generated',
  '/arch/*/include/generated',
  '*.o',
  '*.a',
  '*.ko',
  '.*.cmd',
];

/**
 * A private copy of a source, at a fixed place beside its build directories: kbuild writes absolute paths into its dependency
 * files, so a tree at a new place would be built from nothing. Hold the lock `lockPath` while using it.
 */
export class WorkTree {
  readonly tree: string;
  private readonly stateFile: string;

  constructor(
    private readonly source: KernelSource,
    private readonly root: string = join(cacheRoot(), 'work', source.lineage),
  ) {
    this.tree = join(root, 'tree');
    this.stateFile = join(root, 'state.json');
  }

  get lockPath(): string {
    return `${this.root}.lock`;
  }

  /** Where to build with the configuration and the compiler that `key` names. */
  buildDir(key: string): BuildDir {
    return new BuildDir(this.root, this.tree, key);
  }

  /** Make the tree equal to the source, then apply the patches. Files that do not change keep their times. */
  async prepare(patches: readonly string[], o: Options): Promise<void> {
    await mkdir(this.root, { recursive: true });
    const state = await this.readState();
    if (state?.sourceKey === this.source.key && existsSync(this.tree)) await this.restore(state.touched);
    else await this.copySource(o);
    await this.writeState([]);
    for (const patch of patches) await this.apply(patch, o);
  }

  private async readState(): Promise<State | undefined> {
    const text = await readFile(this.stateFile, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as State);
  }

  private async writeState(touched: string[]): Promise<void> {
    await writeFile(this.stateFile, JSON.stringify({ sourceKey: this.source.key, touched } satisfies State));
  }

  private async copySource(o: Options): Promise<void> {
    await rm(this.stateFile, { force: true });
    o.onProgress?.(`copying ${this.source.label}`);
    const what = `cannot copy ${this.source.label}`;
    const ours = this.source.tree.startsWith(cacheRoot());
    if (!existsSync(this.tree)) await removeBuildDirs(this.root);
    if (ours && !existsSync(this.tree)) {
      // Hard links: patch(1) and rsync replace a file, they never write into it.
      await mustExec('cp', ['-al', this.source.tree, this.tree], {
        signal: o.signal,
        code: 'LAB_SOURCE',
        what,
      });
      return;
    }
    const excludes = BUILD_OUTPUT.map((pattern) => `--exclude=${pattern}`);
    // Compare by content and keep no times: what changed gets the time of now, and make sees it.
    const args = ['-rlpD', '--checksum', '--delete', ...excludes, `${this.source.tree}/`, `${this.tree}/`];
    await mustExec('rsync', args, { signal: o.signal, code: 'LAB_SOURCE', what });
  }

  private async restore(touched: readonly string[]): Promise<void> {
    for (const file of touched) {
      const target = join(this.tree, file);
      await rm(target, { force: true });
      const original = join(this.source.tree, file);
      if (await stat(original).catch(() => undefined)) await copyFile(original, target);
    }
  }

  private async apply(patch: string, o: Options): Promise<void> {
    const text = await readFile(patch, 'utf8').catch(() => {
      throw new LabError('LAB_FILE', `cannot read the patch ${patch}`);
    });
    const files = patchedFiles(text);
    if (files.length === 0) throw new LabError('LAB_PATCH', `${patch} is not a unified diff`);
    const before = (await this.readState())?.touched ?? [];
    await this.writeState([...new Set([...before, ...files])]);
    o.onProgress?.(`applying ${basename(patch)}`);
    const args = [
      '-p1',
      '--batch',
      '--forward',
      '--fuzz=0', // A hunk that fits only by guess may land in the wrong place.
      '--no-backup-if-mismatch',
      '--reject-file=-',
      '-d',
      this.tree,
      '-i',
      patch,
    ];
    const result = await exec('patch', args, { signal: o.signal });
    if (result.status !== 0)
      throw new LabError(
        'LAB_PATCH',
        `${basename(patch)} does not apply to ${this.source.label}`,
        result.tail,
      );
  }
}

/** Paths, below the tree, that a -p1 unified diff changes. */
export function patchedFiles(diff: string): string[] {
  const files = new Set<string>();
  for (const match of diff.matchAll(/^(?:---|\+\+\+) [^/\s]+\/([^\t\n]+)/gm))
    files.add((match[1] as string).trimEnd());
  for (const match of diff.matchAll(/^rename (?:from|to) (.+)$/gm)) files.add(match[1] as string);
  const safe = [...files].filter((file) => !file.split('/').includes('..'));
  return safe;
}
