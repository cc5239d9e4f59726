import { closeSync, constants, openSync, readSync } from 'node:fs';
import { HostMemory } from '../../kvm/index.js';
import { type Walk, WalkError, walkOf } from '../../observe/walk.js';
import { LAYOUT as L } from '../../probe/layout.js';
import type { AgentSpec } from '../../recording/spec.js';

const SIZE = L.PROBE_WITNESS_SIZE;

/** Reads what the emulator tells of the guest's accesses (guests/lab/witness.c). */
export class Witness {
  readonly #offset: number;
  readonly #file: number;
  readonly #page = HostMemory.anonymous(SIZE);
  #count: number;

  constructor({ device, offset }: NonNullable<AgentSpec['witness']>) {
    this.#offset = offset;
    // What the emulator writes goes round the kernel's cache of the device.
    this.#file = openSync(device, constants.O_RDONLY | constants.O_DIRECT);
    // What it told in an earlier job of this machine is still there.
    this.#count = this.#look().getUint32(L.PROBE_WITNESS_COUNT, true);
  }

  /** What the page holds. */
  #look(): DataView {
    readSync(this.#file, new Uint8Array(this.#page.buffer), 0, SIZE, this.#offset);
    return new DataView(this.#page.buffer);
  }

  /**
   * How the processor walked the tables in the read that the probe's `witness` has just done.
   * @throws WalkError if the emulator told nothing
   */
  take(): Walk {
    const view = this.#look();
    const bytes = new Uint8Array(view.buffer);
    const count = view.getUint32(L.PROBE_WITNESS_COUNT, true);
    if (count === this.#count) throw new WalkError('the emulator did not look at the guest’s access');
    this.#count = count;
    const text = bytes.subarray(L.PROBE_WITNESS_TEXT, bytes.indexOf(0, L.PROBE_WITNESS_TEXT));
    return walkOf(Buffer.from(text).toString('latin1'), view.getBigUint64(L.PROBE_WITNESS_PAT, true));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    this.#page.close();
  }
}
