/** A regular file for the image. */
export interface ErofsFile {
  /** Absolute path inside. */
  path: string;
  data: Uint8Array;
}

const BLOCK = 4096;
const INODE = 64;
/** Data of files from this size on starts at a multiple of it, so that it can be mapped with large pages. */
const LARGE = 2 << 20;

const SUPERBLOCK = 1024;
const MAGIC = 0xe0f5e1e2;
const META_BLOCK = 1;
const SLOT = 32;
/** i_format: extended inode, flat data. */
const EXTENDED_FLAT = 1;

const S_IFREG_RX = 0o100555;
const S_IFDIR_RX = 0o040555;
const TYPE_FILE = 1;
const TYPE_DIRECTORY = 2;

interface Node {
  mode: number;
  /** Index of the inode; a directory's children name it. */
  index: number;
  data: Uint8Array;
  block: number;
  children?: Map<string, Node>;
}

/**
 * Make an EROFS image: uncompressed, one block of entries for each directory (fs/erofs/erofs_fs.h).
 *
 * @throws RangeError when a directory has more entries than fit a block
 */
export function erofsImage(files: readonly ErofsFile[]): Buffer {
  const nodes: Node[] = [];
  const add = (mode: number, data: Uint8Array): Node => {
    const node: Node = { mode, index: nodes.length, data, block: 0 };
    if (mode === S_IFDIR_RX) node.children = new Map();
    nodes.push(node);
    return node;
  };
  const root = add(S_IFDIR_RX, new Uint8Array(0));
  for (const { path, data } of files) {
    const names = path.split('/').slice(1);
    const name = names.pop() as string;
    let dir = root;
    for (const part of names) {
      const children = dir.children as Map<string, Node>;
      const next = children.get(part) ?? add(S_IFDIR_RX, new Uint8Array(0));
      children.set(part, next);
      dir = next;
    }
    (dir.children as Map<string, Node>).set(name, add(S_IFREG_RX, data));
  }
  fillDirectories(root, root);
  return write(nodes, place(nodes));
}

const nid = (node: Node): number => (node.index * INODE) / SLOT;

function fillDirectories(dir: Node, parent: Node): void {
  const children = dir.children as Map<string, Node>;
  const entries: [string, Node][] = [['.', dir], ['..', parent], ...children];
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  dir.data = directoryBlock(entries);
  for (const child of children.values()) if (child.children) fillDirectories(child, dir);
}

/** struct erofs_dirent: nid, offset of the name, type; the names follow, up to the end of the data. */
function directoryBlock(entries: readonly [string, Node][]): Buffer {
  const heads = Buffer.alloc(entries.length * 12);
  const names: Buffer[] = [];
  let at = heads.length;
  for (const [index, [name, node]] of entries.entries()) {
    const bytes = Buffer.from(name);
    heads.writeBigUInt64LE(BigInt(nid(node)), index * 12);
    heads.writeUInt16LE(at, index * 12 + 8);
    heads[index * 12 + 10] = node.children ? TYPE_DIRECTORY : TYPE_FILE;
    names.push(bytes);
    at += bytes.length;
  }
  if (at > BLOCK) throw new RangeError('too many entries in one directory');
  return Buffer.concat([heads, ...names]);
}

/** Give each node its first block; returns the number of blocks in all. */
function place(nodes: readonly Node[]): number {
  let next = META_BLOCK + Math.ceil((nodes.length * INODE) / BLOCK);
  for (const node of nodes) {
    const step = node.data.length >= LARGE ? LARGE / BLOCK : 1;
    node.block = Math.ceil(next / step) * step;
    next = node.block + Math.ceil(node.data.length / BLOCK);
  }
  return next;
}

function write(nodes: readonly Node[], blocks: number): Buffer {
  const image = Buffer.alloc(blocks * BLOCK);
  image.writeUInt32LE(MAGIC, SUPERBLOCK);
  image[SUPERBLOCK + 12] = Math.log2(BLOCK);
  image.writeUInt16LE(nid(nodes[0] as Node), SUPERBLOCK + 14);
  image.writeBigUInt64LE(BigInt(nodes.length), SUPERBLOCK + 16);
  image.writeUInt32LE(blocks, SUPERBLOCK + 36);
  image.writeUInt32LE(META_BLOCK, SUPERBLOCK + 40);
  for (const node of nodes) {
    const at = META_BLOCK * BLOCK + node.index * INODE;
    image.writeUInt16LE(EXTENDED_FLAT, at);
    image.writeUInt16LE(node.mode, at + 4);
    image.writeBigUInt64LE(BigInt(node.data.length), at + 8);
    image.writeUInt32LE(node.block, at + 16);
    image.writeUInt32LE(node.index + 1, at + 20);
    image.writeUInt32LE(links(node), at + 44);
    image.set(node.data, node.block * BLOCK);
  }
  return image;
}

function links(node: Node): number {
  const subdirectories = [...(node.children?.values() ?? [])].filter((child) => child.children).length;
  return node.children ? 2 + subdirectories : 1;
}
