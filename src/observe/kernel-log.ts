import { closeSync, constants, existsSync, openSync, statSync, writeFileSync } from 'node:fs';
import { constants as system } from 'node:os';
import { KvmError, readNow } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';

const { EAGAIN, EPIPE } = system.errno;
const DEVICE = '/dev/kmsg';
/** Device number of /dev/kmsg (1:11): a container may have something else in its place. */
const KMSG = (1 << 8) | 11;
/** The longest record that the kernel gives (PRINTK_MESSAGE_MAX in printk.c, CONSOLE_EXT_LOG_MAX before). */
const RECORD_MAX = 8192;
/** KERN_WARNING; what has no level of its own has this one. Splats are of this level or a worse one. */
const WARNING_LEVEL = 4;

/** A record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
export interface KernelRecord {
  seq: number;
  /** Whether it was the kernel that wrote it, as a warning or worse: a program may write records too, of another facility. */
  warns: boolean;
  text: string;
}

/** Read one record: `priority,sequence,time,flags[,more];text`, and perhaps lines of keys and values. */
export function parseKernelRecord(record: string): KernelRecord | undefined {
  const [, priority, seq, text] = /^(\d+),(\d+),[^;]*;([^\n]*)/.exec(record) ?? [];
  if (text === undefined) return undefined;
  return { seq: Number(seq), warns: Number(priority) <= WARNING_LEVEL, text };
}

/** What the kernel logged in some time. */
export interface LogPart {
  /** Warnings and worse. */
  lines: string[];
  /** How many records of any level were overwritten before they could be read. */
  lost: number;
}

/** Follows the kernel's log from now on. */
export class KernelLog {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(RECORD_MAX);
  #seq: number | undefined;

  /** @throws what open(2) gives, EPERM where only root may read */
  constructor(path = DEVICE) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      this.take(); // what was logged before
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Take what was logged since the last call. */
  take(): LogPart {
    const part: LogPart = { lines: [], lost: 0 };
    for (let record = this.#read(); record !== undefined; record = this.#read()) {
      const read = parseKernelRecord(record);
      if (read === undefined) continue;
      if (this.#seq !== undefined) part.lost += Math.max(read.seq - this.#seq - 1, 0);
      this.#seq = read.seq;
      if (read.warns) part.lines.push(read.text);
    }
    return part;
  }

  #read(): string | undefined {
    for (;;) {
      const length = readNow(this.#fd, this.#buffer);
      if (length > 0) return this.#buffer.toString('latin1', 0, length);
      if (length === 0 || length === -EAGAIN) return undefined;
      // EPIPE: the next record was overwritten, and the reader put behind it.
      if (length !== -EPIPE) throw new KvmError('KVM_FILE', 'read', -length);
    }
  }

  /** Stop reading. */
  close(): void {
    closeSync(this.#fd);
  }
}

/** Follow the kernel's log, or say why that cannot be done. */
export function openKernelLog(path = DEVICE): KernelLog | Missing {
  try {
    if (statSync(path).rdev !== KMSG)
      return { reason: `${path} is not the kernel’s log`, lift: 'run outside the container' };
    return new KernelLog(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'EACCES')
      return {
        reason: 'only root may read the kernel’s log',
        lift: 'run as root, or set kernel.dmesg_restrict=0',
      };
    return {
      reason: `${path} cannot be read (${code})`,
      lift: 'run on a kernel with CONFIG_PRINTK, outside a container',
    };
  }
}

const CLEAR_WARN_ONCE = '/sys/kernel/debug/clear_warn_once';

/** Have the kernel warn again of what it warns of only once, where it can be told to. */
export function clearWarnOnce(): void {
  if (existsSync(CLEAR_WARN_ONCE)) writeFileSync(CLEAR_WARN_ONCE, '1');
}
