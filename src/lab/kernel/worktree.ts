import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../cache.js';
import { exhausted, LabError } from '../errors.js';
import { exec } from '../exec.js';
import { BuildDir, removeBuildDirs } from './builddir.js';
import { treeFingerprint } from './fingerprint.js';
import type { KernelSource } from './sources.js';
import { type SyncRecord, syncTree } from './sync.js';

interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: (line: string) => void;
}

/** A unified diff, as it was read: what names the kernel is what is applied, even if the file changes meanwhile. */
export interface Patch {
  name: string;
  text: Uint8Array;
}

/** A patch that makes, changes or removes a symbolic link: make(1) sees the times of files only. */
const CHANGES_LINK = /^(?:(?:new|deleted) file mode|(?:old|new) mode|index \S+) 120000\s*$/m;

const PATCH_OPTIONS = [
  '-p1',
  '--batch',
  '--forward',
  '--fuzz=0', // A hunk that fits only by guess may land in the wrong place.
  '--no-backup-if-mismatch',
  '--reject-file=-',
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

  /**
   * Make the tree equal to the source, then apply the patches. What an earlier build, patch or kill left is of no account. Files
   * that do not change keep their times.
   *
   * @throws LabError LAB_SOURCE, LAB_PATCH, LAB_DISK_FULL, LAB_ABORTED
   */
  async prepare(patches: readonly Patch[], o: Options): Promise<void> {
    await mkdir(this.root, { recursive: true });
    await this.copySource(o);
    for (const patch of patches) await this.apply(patch, o);
  }

  private async copySource({ signal, onProgress }: Options): Promise<void> {
    const isNew = !existsSync(this.tree);
    if (isNew) {
      onProgress?.(`copying ${this.source.label}`);
      await removeBuildDirs(this.root);
      await mkdir(this.tree);
    }
    const synced = await syncTree({
      source: this.source.tree,
      copy: this.tree,
      before: await this.readRecord(),
      link: isNew && this.source.fingerprint === undefined,
      signal,
    });
    if (synced.linksChanged && !isNew) await removeBuildDirs(this.root);
    await this.writeRecord(synced.record);
    const { fingerprint, label } = this.source;
    if (fingerprint !== undefined && (await treeFingerprint(this.source.tree)) !== fingerprint)
      throw new LabError('LAB_SOURCE', `${label} changed while it was read: start again`);
  }

  /** What is missing or damaged costs time only: all is compared by content then. */
  private async readRecord(): Promise<SyncRecord> {
    try {
      const { files } = JSON.parse(await readFile(this.stateFile, 'utf8')) as { files?: SyncRecord };
      return files ?? {};
    } catch {
      return {};
    }
  }

  private async writeRecord(files: SyncRecord): Promise<void> {
    await writeFile(`${this.stateFile}.new`, JSON.stringify({ files }));
    await rename(`${this.stateFile}.new`, this.stateFile);
  }

  private async apply({ name, text }: Patch, o: Options): Promise<void> {
    o.onProgress?.(`applying ${name}`);
    if (CHANGES_LINK.test(Buffer.from(text).toString('latin1'))) await removeBuildDirs(this.root);
    const file = join(this.root, 'applied.patch');
    await writeFile(file, text);
    const { status, tail } = await exec('patch', [...PATCH_OPTIONS, '-d', this.tree, '-i', file], {
      signal: o.signal,
    });
    await rm(file, { force: true });
    if (text.length === 0 || tail.some((line) => line.includes('Only garbage was found')))
      throw new LabError('LAB_PATCH', `${name} is not a unified diff`);
    if (status === 0) return;
    const exhaustion = exhausted(`applying ${name}`, tail);
    throw exhaustion ?? new LabError('LAB_PATCH', `${name} does not apply to ${this.source.label}`, tail);
  }
}
