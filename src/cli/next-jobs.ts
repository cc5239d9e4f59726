import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { PAGE_SIZE } from '../arch/units.js';
import { HostMemory } from '../kvm/index.js';
import { clearWarnOnce } from '../observe/kernel-log.js';
import type { AgentSpec } from '../recording/spec.js';

const STDOUT = 1;
/** Of the kernel's clock: what KVM does with a VM after that has gone, it does in this time. The machine is not heard of afterwards. */
const LAST_MS = 50;
/** The machine stands still from soon after it has said that it waits. */
const POLL_MS = 1;

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const sleep = (ms: number): void => void Atomics.wait(sleeper, 0, 0, ms);

/** Reads the jobs that a machine of the lab is given while it runs. */
export class NextJobs {
  #number = 0;

  /**
   * Say that the last job is done, and wait for the next one.
   * @throws RangeError if there is no room for one of its size
   */
  next({ device, offset, waits }: NonNullable<AgentSpec['next']>): string {
    // What the host writes goes round the kernel's cache of the device.
    const file = openSync(device, constants.O_RDONLY | constants.O_DIRECT);
    using memory = HostMemory.anonymous(offset);
    const bytes = new Uint8Array(memory.buffer);
    const view = new DataView(memory.buffer);
    this.#number++;
    sleep(LAST_MS);
    clearWarnOnce();
    writeSync(STDOUT, `${waits}\n`);
    try {
      do {
        sleep(POLL_MS);
        readSync(file, bytes, 0, PAGE_SIZE, offset);
      } while (view.getUint32(0, true) !== this.#number);
      const size = view.getUint32(4, true);
      if (size > offset) throw new RangeError(`a job of ${size} bytes, where ${offset} have room`);
      readSync(file, bytes, 0, Math.ceil(size / PAGE_SIZE) * PAGE_SIZE, 0);
      return Buffer.from(bytes.subarray(0, size)).toString();
    } finally {
      closeSync(file);
    }
  }
}
