import { PAGE_SIZE } from '../arch/units.js';
import { Handle } from './handle.js';
import { type NativeMemory, native } from './native.js';

const HUGE_SHIFT = { '2M': 21, '1G': 30 } as const;

/** How to back guest memory. */
export interface MemoryOptions {
  /** hugetlb pages of this size (memfd only); the pool must hold enough of them. */
  hugetlb?: keyof typeof HUGE_SHIFT;
  /** Advise transparent huge pages; aligns to 2 MiB unless `align` says more. */
  thp?: boolean;
  /** Allocate every page now. */
  populate?: boolean;
  /** Alignment of the host address in bytes, a power of two from 4096 to 2^30. */
  align?: number;
}

/** How to map a file. */
export interface FileOptions {
  /** Bytes to map, a multiple of 4096. */
  size: number;
  /** Where to start, a multiple of 4096; 0 unless told. */
  offset?: number;
  /** Map for writing too; false unless told. */
  writable?: boolean;
  /** Share writes with the file (MAP_SHARED); true unless told. */
  shared?: boolean;
}

function create(backing: 'memfd' | 'anonymous', size: number, o: MemoryOptions): NativeMemory {
  const { align = PAGE_SIZE, hugetlb, thp = false, populate = false } = o;
  return native().createMemory(backing, size, align, hugetlb ? HUGE_SHIFT[hugetlb] : 0, thp, populate);
}

/**
 * Memory of this process that memslots can point into. It lasts until the last handle and the last memslot over it are
 * gone, whatever the order they are closed in; a handle that is forgotten lasts as long as its buffer.
 */
export class HostMemory extends Handle<NativeMemory> {
  /**
   * Shared memory in a memfd. JavaScript has a mapping of its own, so dontNeed() and unmapPart() change what KVM
   * sees and never the buffer.
   * @param size bytes, a positive multiple of 4096 up to 2^40
   * @throws KvmError `KVM_ARGUMENT`, `KVM_MEMORY`
   */
  static memfd(size: number, o: MemoryOptions = {}): HostMemory {
    return new HostMemory(create('memfd', size, o));
  }

  /** Private anonymous memory; the way to transparent huge pages on most hosts. Same rules as memfd(). */
  static anonymous(size: number, o: MemoryOptions = {}): HostMemory {
    return new HostMemory(create('anonymous', size, o));
  }

  /**
   * Part of a file such as a PCI resource. It has no buffer: a file that shrinks would crash the process.
   * @throws KvmError `KVM_MEMORY` if the file cannot be mapped or a regular file is too short
   */
  static file(path: string, o: FileOptions): HostMemory {
    const { size, offset = 0, writable = false, shared = true } = o;
    return new HostMemory(native().mapFile(path, offset, size, writable, shared));
  }

  /**
   * The memory that another thread names by its `handle`, while that thread still has it open.
   * @throws KvmError `KVM_CLOSED`
   */
  static attach(handle: number): HostMemory {
    return new HostMemory(native().attachMemory(handle));
  }

  /**
   * All bytes, as one external ArrayBuffer per handle, up to 4 GiB. To use them on another thread, attach() there.
   * Once the memory is gone the buffer reads as zeros, and writes to it reach nobody (docs/memory.md).
   */
  get buffer(): ArrayBuffer {
    return this.native.buffer();
  }

  /** Host address that memslots use. */
  get address(): bigint {
    return this.native.address();
  }

  /** Bytes. */
  get size(): number {
    return this.native.size();
  }

  /** Number by which another thread of this process can attach(). */
  get handle(): number {
    return this.native.number();
  }

  /**
   * MADV_DONTNEED on a part: KVM drops its leaves and must fault the pages again. A memfd keeps its contents,
   * anonymous memory reads as zero afterwards.
   * @throws KvmError `KVM_ARGUMENT` if the part is not in it, `KVM_MEMORY`
   */
  dontNeed(offset: number, size: number): void {
    this.native.dontNeed(offset, size);
  }

  /**
   * Unmap a part for good: KVM drops its leaves, and a guest access there makes KVM_RUN fail with EFAULT, or end in an
   * MMIO exit if KVM emulates it. The addresses stay reserved. Anonymous memory can have no buffer after this.
   * @throws KvmError `KVM_MEMORY` EBUSY if anonymous memory has a buffer, of this or another handle, until it is collected
   */
  unmapPart(offset: number, size: number): void {
    this.native.unmapPart(offset, size);
  }

  /**
   * Let KVM write a part, or only read it (mprotect): it drops its leaves, and a guest's write to what may only be read makes KVM_RUN
   * fail with EFAULT. Anonymous memory can have no buffer after this.
   * @throws KvmError `KVM_MEMORY` EBUSY if anonymous memory has a buffer, of this or another handle, until it is collected
   */
  protectPart(offset: number, size: number, writable: boolean): void {
    this.native.protectPart(offset, size, writable);
  }
}
