import { viewOf } from '../layout/bytes.js';
import type { KvmFile } from './file.js';

/** struct kvm_stats_header: flags, name_size, num_desc, id_offset, desc_offset, data_offset. */
const HEADER_SIZE = 24;
const NAME_SIZE = 4;
const COUNT = 8;
const DESC_OFFSET = 16;
const DATA_OFFSET = 20;
/** struct kvm_stats_desc, before the name: flags, exponent, size, offset, bucket_size. */
const DESC_SIZE = 16;
const DESC_VALUE = 8;

/** Counters of a VM or vCPU by name, read while it runs (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD). */
export class Stats {
  readonly #offsets = new Map<string, number>();

  /**
   * Read which statistics there are.
   * @param file as statsFd() gives it; it stays the caller's to close
   */
  constructor(readonly file: KvmFile) {
    const header = viewOf(file.readAt(0, HEADER_SIZE));
    const size = DESC_SIZE + header.getUint32(NAME_SIZE, true);
    const descs = file.readAt(header.getUint32(DESC_OFFSET, true), size * header.getUint32(COUNT, true));
    const data = header.getUint32(DATA_OFFSET, true);
    for (let at = 0; at + size <= descs.length; at += size) {
      const name = Buffer.from(descs.subarray(at + DESC_SIZE, at + size)).toString('latin1');
      this.#offsets.set(name.replace(/\0.*$/s, ''), data + viewOf(descs).getUint32(at + DESC_VALUE, true));
    }
  }

  /** The counter of this name, for those with several values the first; undefined if the kernel has none. */
  read(name: string): bigint | undefined {
    const offset = this.#offsets.get(name);
    return offset === undefined ? undefined : viewOf(this.file.readAt(offset, 8)).getBigUint64(0, true);
  }
}
