import type { NativeHandle } from './native.js';

/** Something that owns a file descriptor or a mapping. */
export abstract class Handle<N extends NativeHandle> {
  /** @internal */
  protected readonly native: N;

  /** @internal */
  constructor(native: N) {
    this.native = native;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.native.closed();
  }

  /** Release it. Again does nothing; any other use throws KvmError `KVM_CLOSED`. */
  close(): void {
    this.native.close();
  }

  /** `using` closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}
