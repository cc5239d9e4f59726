import { KvmError } from '../errors.js';
import { Handle } from '../handle.js';
import { struct, viewOf } from '../layout/bytes.js';
import { type NativeFile, native } from '../native.js';

/** A file descriptor that KVM hands out or takes: stats, guest_memfd, VFIO device. */
export class KvmFile extends Handle<NativeFile> {
  /** The descriptor's number, valid until close(). */
  get fd(): number {
    return this.native.fd();
  }

  /** @internal */
  get number(): number {
    return this.native.number();
  }

  /**
   * Read up to `size` bytes at `offset`.
   * @throws KvmError `KVM_FILE`
   */
  readAt(offset: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, this.native.readAt(bytes, offset));
  }
}

const EAGAIN = 11;

/**
 * Read from a descriptor that does not block. Nothing is thrown where nothing is there: an exception takes V8 many times what a read takes.
 * @returns how many bytes were read, or a negated errno
 */
export const readNow = (fd: number, buffer: Uint8Array): number => native().readNow(fd, buffer);

/** A counter that KVM signals (irqfd, ioeventfd): non-blocking, starts at 0. */
export class EventFd extends KvmFile {
  /**
   * A new counter.
   * @throws KvmError `KVM_FILE`
   */
  static create(): EventFd {
    return new EventFd(native().createEventFd());
  }

  /**
   * Add `count` to the counter.
   * @throws KvmError `KVM_FILE`: EAGAIN it would overflow; EINVAL `count` is 2^64-1
   */
  signal(count = 1n): void {
    this.native.write(struct(8, (put) => put.u64(0, count, 'count')));
  }

  /**
   * Take the counter and set it to 0; 0 if nobody signalled.
   * @throws KvmError `KVM_FILE`
   */
  take(): bigint {
    const bytes = new Uint8Array(8);
    try {
      this.native.read(bytes);
    } catch (error) {
      if (error instanceof KvmError && error.errno === EAGAIN) return 0n;
      throw error;
    }
    return viewOf(bytes).getBigUint64(0, true);
  }
}
