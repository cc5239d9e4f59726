import { RAM_SLOT } from '../arch/memslots.js';
import type { Attachment, DmaTarget, NoncoherentDma } from '../dma/index.js';
import { type Device, KvmError } from '../kvm/index.js';
import { NOT_TAKEN, type NoncoherentStep, type VirtioStep } from '../scenario/types.js';
import type { Machine } from '../vmm/index.js';
import { closeAll } from './close.js';

/** Do something that ends in an ioctl: `ok`, or the name of its errno. */
export function ioctlResult(act: () => void): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (error instanceof KvmError && error.code === 'KVM_IOCTL') return error.errnoName;
    throw error;
  }
}

/** The machine as providers see it. */
function targetOf(machine: Machine): DmaTarget {
  const slot = { slot: RAM_SLOT, gpa: 0n, size: BigInt(machine.ramSize), memory: machine.ram };
  return {
    vm: machine.vm,
    remakeRam: (flags) => {
      machine.deleteMemslot(RAM_SLOT);
      machine.setMemslot({ ...slot, flags });
    },
  };
}

/** The devices of one scenario that do non-coherent DMA, or might. */
export class DmaSteps {
  readonly #target: DmaTarget;
  readonly #dma: NoncoherentDma;
  readonly #attached: { device: string | undefined; attachment: Attachment }[] = [];
  readonly #virtio = new Map<string, Device>();

  constructor(machine: Machine, dma: NoncoherentDma) {
    this.#target = targetOf(machine);
    this.#dma = dma;
  }

  noncoherent({ on, via, device, close, again }: NoncoherentStep): string {
    if (again) return this.#again(device);
    if (on) {
      return ioctlResult(() => {
        this.#attached.push({ device, attachment: this.#dma.attach(this.#target, via) });
      });
    }
    const at = this.#attached.findLastIndex((a) => device === undefined || a.device === device);
    const [found] = at < 0 ? [] : this.#attached.splice(at, 1);
    return found === undefined ? NOT_TAKEN : ioctlResult(() => found.attachment.detach(close));
  }

  #again(device: string | undefined): string {
    const attachment = this.#attached.find((one) => one.device === device)?.attachment;
    return attachment?.again === undefined ? NOT_TAKEN : ioctlResult(() => attachment.again?.());
  }

  virtio({ op, device, group, attr }: VirtioStep): string {
    const { vm } = this.#target;
    const { type } = this.#dma.virtio;
    const open = this.#virtio.get(device);
    if (op === 'create-test') return vm.hasDevice(type) ? 'ok' : 'ENODEV';
    if ((op === 'create') !== (open === undefined)) return NOT_TAKEN;
    if (open === undefined) return ioctlResult(() => void this.#virtio.set(device, vm.createDevice(type)));
    if (op === 'has-attr') return open.hasAttr({ group, attr }) ? 'ok' : 'ENXIO';
    if (op === 'set-attr') return ioctlResult(() => open.setAttr({ group, attr }));
    open.close();
    this.#virtio.delete(device);
    return 'ok';
  }

  /** Take everything back, the last first. @throws the first error of several, once all were tried */
  close(): void {
    const devices = [...this.#virtio.values()];
    const attached = this.#attached.splice(0).reverse();
    this.#virtio.clear();
    closeAll([
      ...devices.map((device) => () => device.close()),
      ...attached.map(
        ({ attachment }) =>
          () =>
            attachment.detach(),
      ),
      () => this.#dma.leave(this.#target.vm),
    ]);
  }
}
