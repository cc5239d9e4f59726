import { copyFileSync, linkSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LabError } from '../errors.js';
import { type BytePath, entryAt, pathIn, type Tree, type TreeEntry, walkSource, walkTree } from './tree.js';

/** For each file what it was in the source, and in the copy, when the two were the same. */
export type SyncRecord = Record<BytePath, [source: string, copy: string]>;

export interface Sync {
  source: string;
  copy: string;
  /** What the last sync gave. What is not as it says is compared by content. */
  before: SyncRecord;
  /** Make hard links to the source's files: nobody writes into one, patch(1) and this replace files. Their times are old. */
  link: boolean;
  signal?: AbortSignal | undefined;
}

export interface Synced {
  record: SyncRecord;
  /** A link was made, changed or removed: make(1) sees the times of files only. */
  linksChanged: boolean;
}

/** Files that are copied before anything else gets its turn. */
const BATCH = 100;

/**
 * Make a copy of a source tree equal to it, whatever was done to the copy. Files that do not change keep their times, others get
 * that of now. Nothing outside the copy is written to or removed: no link in it is followed.
 *
 * @throws LabError LAB_SOURCE, LAB_ABORTED; what the system says of a full disk
 */
export async function syncTree(o: Sync): Promise<Synced> {
  const wanted = walkSource(o.source);
  const there = walkTree(o.copy);
  const record: SyncRecord = {};
  let linksChanged = removeOthers(o.copy, wanted, there);
  let made = 0;
  for (const [path, want] of wanted) {
    let have = there.get(path);
    if (!have || !isSame(o, path, want, have)) {
      make(o, path, want);
      have = entryAt(o.copy, path) as TreeEntry;
      linksChanged ||= want.kind === 'link';
      if (++made % BATCH === 0) await nextTurn();
      if (o.signal?.aborted) throw new LabError('LAB_ABORTED', 'copying the kernel tree was stopped');
    }
    if (want.kind === 'file') record[path] = [identityOf(want), identityOf(have)];
  }
  return { record, linksChanged };
}

const identityOf = ({ stamp, inode }: TreeEntry): string => `${stamp} ${inode}`;

/** Remove what the source does not have, or has as something else; tell whether a link was among it. */
function removeOthers(copy: string, wanted: Tree, there: Tree): boolean {
  let linksChanged = false;
  for (const [path, { kind }] of there) {
    if (wanted.get(path)?.kind === kind) continue;
    linksChanged ||= kind === 'link';
    rmSync(pathIn(copy, path), { recursive: true, force: true });
  }
  return linksChanged;
}

function isSame(o: Sync, path: BytePath, want: TreeEntry, have: TreeEntry): boolean {
  if (want.kind !== have.kind) return false;
  if (want.kind !== 'file') return want.stamp === have.stamp;
  if (identityOf(want) === identityOf(have)) return true; // One file with two names.
  const [source, copy] = o.before[path] ?? [];
  if (source === identityOf(want) && copy === identityOf(have)) return true;
  const [wantSize, , wantMode] = want.stamp.split(' ');
  const [haveSize, , haveMode] = have.stamp.split(' ');
  if (wantSize !== haveSize || wantMode !== haveMode) return false;
  return readFileSync(pathIn(o.source, path)).equals(readFileSync(pathIn(o.copy, path)));
}

function make(o: Sync, path: BytePath, want: TreeEntry): void {
  const [from, to] = [pathIn(o.source, path), pathIn(o.copy, path)];
  if (want.kind === 'folder') return void mkdirSync(to);
  rmSync(to, { force: true });
  if (want.kind === 'link') symlinkSync(readlinkSync(from, 'buffer'), to);
  else if (!(o.link && tryLink(o, path))) copyFileSync(from, to);
}

/** A link's own hard link is no file, and another file system has none of this one's. */
function tryLink({ source, copy }: Sync, path: BytePath): boolean {
  if (entryAt(source, path)?.kind !== 'file') return false;
  try {
    linkSync(pathIn(source, path), pathIn(copy, path));
    return true;
  } catch {
    return false;
  }
}
