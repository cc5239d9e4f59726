import { PAGE_SIZE } from '../arch/units.js';
import type { Vcpu } from '../kvm/fd/vcpu.js';
import { longMode } from '../vmm/cpu-state.js';
import type { Machine } from '../vmm/machine.js';
import { ProbeBootError } from './errors.js';
import { type ProbeImage, probeImage } from './image.js';
import { LAYOUT as L, MAX_VCPUS } from './layout.js';
import { decodeBatch, encodeBatch, type ProbeCommand, type ProbeResult } from './protocol.js';
import { FAR_DIRECTORY_GPA, type FarAddress, FarPages, PML4_GPA, TABLE_PAGES } from './tables.js';

/** The vCPU blocks follow the tables, aligned to their own size. */
const BLOCKS_GPA = L.PROBE_BASE + roundUp(L.PROBE_IMAGE_SIZE + TABLE_PAGES * PAGE_SIZE, L.PROBE_BLOCK_SIZE);

/** Bytes of guest RAM, from gpa 0, that a probe with `vcpus` vCPUs needs at least. */
export function probeRamSize(vcpus: number): number {
  return BLOCKS_GPA + vcpus * L.PROBE_BLOCK_SIZE;
}

function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** A booted probe guest: runs batches of commands on the vCPUs of a machine. */
export class Probe {
  readonly #machine: Machine;
  readonly #mailboxes: DataView[];
  readonly #far: FarPages;

  private constructor(machine: Machine, mailboxes: DataView[], far: FarPages) {
    this.#machine = machine;
    this.#mailboxes = mailboxes;
    this.#far = far;
  }

  /**
   * Load the guest into slot 0 at 16 MiB and put every vCPU at its entry, in long mode. No guest code runs yet.
   * @param reach addresses from 4 GiB on that commands will name: what lies in the same 2 MiB is reached too
   * @throws ProbeBootError if the machine is too small or the guest is not built
   * @throws RangeError if `reach` is in more than 512 large pages
   */
  static boot(machine: Machine, reach: readonly FarAddress[] = []): Probe {
    const { vcpus, ram } = machine;
    if (vcpus.length > MAX_VCPUS)
      throw new ProbeBootError(`${vcpus.length} vCPUs, the probe takes ${MAX_VCPUS}`);
    if (machine.ramSize < probeRamSize(vcpus.length)) {
      throw new ProbeBootError(
        `the probe needs ${probeRamSize(vcpus.length)} bytes of RAM, got ${machine.ramSize}`,
      );
    }
    const image = probeImage();
    const far = new FarPages(reach);
    const bytes = new Uint8Array(ram.buffer);
    bytes.set(image.bytes, L.PROBE_BASE);
    bytes.set(far.directory(), FAR_DIRECTORY_GPA);
    for (const [i, vcpu] of vcpus.entries()) start(vcpu, i, image);
    machine.pio.register(L.PROBE_DOORBELL_PORT, 4, { read: () => 0, write: () => machine.stop() });
    const mailboxes = vcpus.map((_, i) => new DataView(ram.buffer, blockGpa(i), PAGE_SIZE));
    return new Probe(machine, mailboxes, far);
  }

  /**
   * Run commands on a vCPU, in order; a fault in one does not keep the next from running. More commands than fit a
   * mailbox are run in several batches.
   * @throws GuestTimeoutError, GuestExitError, ProbeProtocolError
   */
  exec(vcpu: number, commands: readonly ProbeCommand[]): ProbeResult[] {
    const results: ProbeResult[] = [];
    for (let at = 0; at < commands.length; at += L.PROBE_MAX_COMMANDS) {
      const batch = commands.slice(at, at + L.PROBE_MAX_COMMANDS);
      this.#post(vcpu, batch);
      this.#machine.runUntilDoorbell(vcpu);
      results.push(...decodeBatch(this.#mailbox(vcpu), batch));
    }
    return results;
  }

  /**
   * Run one batch on each of several vCPUs at the same time, each on a thread of its own, and do something beside them.
   * @param batches for each vCPU at most as many commands as one mailbox takes
   * @param beside called once all have set off
   * @returns what exec() would, for each vCPU
   * @throws GuestTimeoutError, GuestExitError, ProbeProtocolError; what `beside` throws, once all have stopped
   */
  execTogether(
    batches: ReadonlyMap<number, readonly ProbeCommand[]>,
    beside: () => void,
  ): Map<number, ProbeResult[]> {
    for (const [vcpu, commands] of batches) this.#post(vcpu, commands);
    this.#machine.runTogether([...batches.keys()], beside);
    return new Map(
      [...batches].map(([vcpu, commands]) => [vcpu, decodeBatch(this.#mailbox(vcpu), commands)]),
    );
  }

  #mailbox(vcpu: number): DataView {
    const mailbox = this.#mailboxes[vcpu];
    if (!mailbox) throw new RangeError(`vCPU ${vcpu} of a machine with ${this.#mailboxes.length}`);
    return mailbox;
  }

  #post(vcpu: number, batch: readonly ProbeCommand[]): void {
    for (const command of batch) this.#plant(command);
    encodeBatch(this.#mailbox(vcpu), batch, (gpa, pat) => this.#far.address(gpa, pat));
  }

  /** Every page that the guest itself uses: image, page tables, mailboxes, stacks. One run of pages. */
  infraGfns(): { gfn: number; npages: number }[] {
    const end = probeRamSize(this.#mailboxes.length);
    return [{ gfn: L.PROBE_BASE / PAGE_SIZE, npages: (end - L.PROBE_BASE) / PAGE_SIZE }];
  }

  // Write the `ret` that a fetch calls from the host's side: a write by the guest would be an access of its own.
  #plant(command: ProbeCommand): void {
    if (command.op !== 'fetch' || command.plant === false) return;
    const target = this.#machine.guestBytes(command.gpa, 1);
    if (!target) {
      throw new RangeError(`fetch at gpa 0x${command.gpa.toString(16)}: no memslot of the machine is there`);
    }
    target[0] = 0xc3;
  }
}

function blockGpa(vcpu: number): number {
  return BLOCKS_GPA + vcpu * L.PROBE_BLOCK_SIZE;
}

/** Put a vCPU at the probe's entry: long mode, flat segments, CR0.CD clear. */
function start(vcpu: Vcpu, index: number, image: ProbeImage): void {
  const tables = {
    gdt: { base: BigInt(L.PROBE_GDT), limit: 0x17 },
    codeSelector: L.PROBE_CODE_SELECTOR,
    dataSelector: L.PROBE_DATA_SELECTOR,
  };
  const idt = { base: BigInt(L.PROBE_IDT), limit: 0x1ff };
  vcpu.setSregs({ ...longMode(vcpu.getSregs(), tables, BigInt(PML4_GPA)), idt });
  const rsp = BigInt(blockGpa(index) + L.PROBE_BLOCK_SIZE);
  vcpu.setRegs({ ...vcpu.getRegs(), rip: image.entry, rsp, rflags: 2n });
}
