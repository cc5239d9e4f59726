import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { LabError } from '../errors.js';

/** A path below a tree, or a link's target: one character for each byte of it. Not every name is UTF-8. */
export type BytePath = string;

export interface TreeEntry {
  kind: 'file' | 'link' | 'folder';
  /** A file's size, mtime and mode; a link's target. */
  stamp: string;
  /** Which file of this machine it is. */
  inode: string;
}

export type Tree = ReadonlyMap<BytePath, TreeEntry>;

/** Far more than a kernel's 90 000: who has more has a link to something else in the tree. */
const MOST_ENTRIES = 1_000_000;

/** What a build leaves in a tree: an out-of-tree build refuses to start with it, and nothing is compiled from it. */
const BUILD_OUTPUT =
  /^(?:\.git|\.config|include\/(?:config|generated)|arch\/[^/]+\/include\/generated)$|(?:^|\/)(?:[^/]+\.(?:o|a|ko)|\.[^/]*\.cmd)$/;

/** The name of a file below `root`, as the system takes it. */
export const pathIn = (root: string, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);

function entryOf(kind: TreeEntry['kind'], info: Stats, target = ''): TreeEntry {
  const stamp = { file: `${info.size} ${info.mtimeMs} ${info.mode}`, link: target, folder: '' }[kind];
  return { kind, stamp, inode: `${info.dev}:${info.ino}` };
}

/** A file or link that is there; undefined for anything else. */
export function entryAt(root: string, path: BytePath): TreeEntry | undefined {
  const name = pathIn(root, path);
  const info = lstatSync(name);
  if (info.isSymbolicLink()) return entryOf('link', info, readlinkSync(name, 'latin1'));
  if (info.isDirectory()) return entryOf('folder', info);
  return info.isFile() ? entryOf('file', info) : undefined;
}

/** All that lies in a tree, as it is: folders before what is in them. */
export function walkTree(root: string): Tree {
  return walk(root, (path) => entryAt(root, path));
}

/**
 * What is compiled of a source tree: without what builds left there, and with the content of what its links outside lead to in their
 * place. So a copy of it stands alone: nobody who writes to the copy, or builds it, gets outside.
 *
 * @throws LabError LAB_SOURCE
 */
export function walkSource(root: string): Tree {
  const outside = new Set<BytePath>();
  return walk(root, (path) => {
    if (BUILD_OUTPUT.test(path)) return undefined;
    const entry = entryAt(root, path);
    const isBelowOutside = outside.has(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
    if (isBelowOutside && entry?.kind === 'folder') outside.add(path);
    if (entry?.kind !== 'link' || !(isBelowOutside || leadsOut(path, entry.stamp))) return entry;
    const followed = follow(root, path);
    if (followed?.kind === 'folder') outside.add(path);
    return followed;
  });
}

function walk(root: string, look: (path: BytePath) => TreeEntry | undefined): Tree {
  const tree = new Map<BytePath, TreeEntry>();
  const pending: BytePath[] = [''];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop())
    for (const name of readdirSync(pathIn(root, dir), 'latin1').sort()) {
      const path = dir === '' ? name : `${dir}/${name}`;
      const entry = look(path);
      if (entry === undefined) continue;
      tree.set(path, entry);
      if (tree.size > MOST_ENTRIES)
        throw new LabError('LAB_SOURCE', `${root} has more than ${MOST_ENTRIES} files: a link leads too far`);
      if (entry.kind === 'folder') pending.push(path);
    }
  return tree;
}

/** Whether a link's target lies outside the tree, by the names alone. */
function leadsOut(path: BytePath, target: BytePath): boolean {
  if (target.startsWith('/')) return true;
  let depth = path.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth--;
    else if (part !== '.' && part !== '') depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** What a link leads to; undefined if that is nothing, or no file. */
function follow(root: string, path: BytePath): TreeEntry | undefined {
  let info: Stats;
  try {
    info = statSync(pathIn(root, path));
  } catch {
    return undefined;
  }
  if (info.isFile()) return entryOf('file', info);
  if (!info.isDirectory()) return undefined;
  if (`${realpathSync(root)}/`.startsWith(`${realpathSync(pathIn(root, path))}/`.replace('//', '/')))
    throw new LabError('LAB_SOURCE', `${root}/${path} leads to a folder that the tree itself lies in`);
  return entryOf('folder', info);
}
