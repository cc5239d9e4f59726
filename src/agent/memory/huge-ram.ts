import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE_SIZE } from '../../arch/units.js';
import { HostMemory } from '../../kvm/index.js';
import type { Missing } from '../../text/missing.js';

const HUGE_PAGE = 2 ** 21;
const COMPACT = '/proc/sys/vm/compact_memory';

/** Something that a scenario needs, and that shows to be missing only while it runs. */
export class UnmetNeedError extends Error {
  override readonly name = 'UnmetNeedError';
  readonly code = 'AGENT_UNMET_NEED';
  constructor(readonly missing: Missing) {
    super(missing.reason);
  }
}

const ENTRY = 8;
const PRESENT = 1n << 63n;
const FRAME_NUMBER = (1n << 55n) - 1n;
const COMPOUND_HEAD = 1n << 15n;
const COMPOUND_TAIL = 1n << 16n;
const THP = 1n << 22n;

/** Read one entry of a file of them. */
function entryOf(file: number, index: bigint): bigint {
  const bytes = Buffer.alloc(ENTRY);
  readSync(file, bytes, 0, ENTRY, index * BigInt(ENTRY));
  return bytes.readBigUInt64LE();
}

/**
 * How many of so many 2 MiB of this process's memory are one transparent huge page each: the first frame is the head of one, and the frame in
 * its middle is no other's (Linux's Documentation/admin-guide/mm/pagemap.rst). Asks for these pages alone: smaps walks all that
 * Node.js has mapped, which takes an emulated machine half a second.
 * @param address of the first, a multiple of 2 MiB
 * @returns undefined if this host does not tell: a kernel without CONFIG_PROC_PAGE_MONITOR, or a user who may not know of frames
 */
export function hugePagesAt(address: bigint, count: number): number | undefined {
  const files: number[] = [];
  try {
    const [pages, flags] = ['/proc/self/pagemap', '/proc/kpageflags'].map((path) => {
      files.push(openSync(path, 'r'));
      return files.at(-1) as number;
    }) as [number, number];
    const first = address / BigInt(PAGE_SIZE);
    const frames = Array.from({ length: count }, (_, i) =>
      entryOf(pages, first + BigInt(i * (HUGE_PAGE / PAGE_SIZE))),
    );
    if (frames.some((frame) => (frame & PRESENT) !== 0n && (frame & FRAME_NUMBER) === 0n)) return undefined;
    return frames.filter((entry) => {
      const frame = entry & FRAME_NUMBER;
      const middle = frame + BigInt(HUGE_PAGE / PAGE_SIZE / 2);
      const isHead = (entryOf(flags, frame) & (COMPOUND_HEAD | THP)) === (COMPOUND_HEAD | THP);
      return (entry & PRESENT) !== 0n && isHead && (entryOf(flags, middle) & COMPOUND_TAIL) !== 0n;
    }).length;
  } catch {
    return undefined;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/**
 * Memory in transparent huge pages, populated. A host whose memory is in small pieces gives small pages without a word, and KVM
 * then maps small leaves: that is no fault of KVM's.
 * @param size bytes; the last huge page is whole, so that it is a memslot's end, and not the memory's, that keeps a leaf small there
 * @param count how many huge pages there are
 * @throws UnmetNeedError if the host gave small pages
 */
export function hugeRam(size: number, count = hugePagesAt): HostMemory {
  const wanted = Math.ceil(size / HUGE_PAGE);
  const memory = HostMemory.anonymous(wanted * HUGE_PAGE, { thp: true, populate: true });
  const got = count(memory.address, wanted) ?? wanted;
  if (got >= wanted) return memory;
  memory.close();
  throw new UnmetNeedError({
    reason: `this host gave ${got} of ${wanted} transparent huge pages: its memory is in pieces`,
    lift: `free memory, or join its pieces: echo 1 > ${COMPACT} (as root)`,
  });
}

/**
 * Guest RAM in huge pages, which scenarios use one after another. Made anew for each it would take the kernel long to clear; and V8,
 * which counts what buffers take, would collect garbage for it.
 */
export class HugeRam {
  #memory: HostMemory | undefined;

  constructor(
    readonly size: number,
    readonly count = hugePagesAt,
  ) {}

  /**
   * The memory, made anew if the host has taken huge pages of it apart.
   * @throws as hugeRam() does
   */
  memory(): HostMemory {
    const wanted = Math.ceil(this.size / HUGE_PAGE);
    if (this.#memory !== undefined && (this.count(this.#memory.address, wanted) ?? wanted) < wanted)
      this.close();
    this.#memory ??= hugeRam(this.size, this.count);
    return this.#memory;
  }

  close(): void {
    this.#memory?.close();
    this.#memory = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
