import { readFileSync } from 'node:fs';
import { HostMemory } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';

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

/**
 * Bytes that the host has in transparent huge pages, of the memory for which this process asked for them (`hg`, madvise(2)): V8's
 * own comes and goes. Undefined on a host that does not tell.
 */
export function hugeBytes(): number | undefined {
  try {
    const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    const kib = mappings
      .filter((mapping) => /^VmFlags:.* hg\b/m.test(mapping))
      .map((mapping) => Number(/^AnonHugePages: *(\d+) kB$/m.exec(mapping)?.[1] ?? 0));
    return kib.reduce((sum, n) => sum + n, 0) * 1024;
  } catch {
    return undefined; // a kernel without CONFIG_PROC_PAGE_MONITOR
  }
}

/**
 * Memory in transparent huge pages, populated. A host whose memory is in small pieces gives small pages without a word, and KVM
 * then maps small leaves: that is no fault of KVM's.
 * @param size bytes; the last huge page is whole, so that it is a memslot's end, and not the memory's, that keeps a leaf small there
 * @param count how many bytes are huge now, before and after
 * @throws UnmetNeedError if the host gave small pages
 */
export function hugeRam(size: number, count = hugeBytes): HostMemory {
  const before = count();
  const wanted = Math.ceil(size / HUGE_PAGE);
  const memory = HostMemory.anonymous(wanted * HUGE_PAGE, { thp: true, populate: true });
  const after = count();
  const got = before === undefined || after === undefined ? wanted : Math.floor((after - before) / HUGE_PAGE);
  if (got >= wanted) return memory;
  memory.close();
  throw new UnmetNeedError({
    reason: `this host gave ${Math.max(0, got)} of ${wanted} transparent huge pages: its memory is in pieces`,
    lift: `free memory, or join its pieces: echo 1 > ${COMPACT} (as root)`,
  });
}
