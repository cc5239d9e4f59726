import { RAM_SLOT } from '../arch/memslots.js';
import type { Attachment, DmaTarget, NoncoherentDma } from '../dma/index.js';
import { type Device, KvmError } from '../kvm/index.js';
import type { NoncoherentStep, VirtioStep } from '../scenario/types.js';
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

  noncoherent({ on, via, device }: NoncoherentStep): string {
    if (on) {
      return ioctlResult(() => {
        this.#attached.push({ device, attachment: this.#dma.attach(this.#target, via) });
      });
    }
    const at = this.#attached.findLastIndex((a) => device === undefined || a.device === device);
    const [found] = at < 0 ? [] : this.#attached.splice(at, 1);
    return ioctlResult(() => found?.attachment.detach());
  }

  virtio({ op, device, group, attr }: VirtioStep): string {
    const { vm } = this.#target;
    const { type } = this.#dma.virtio;
    switch (op) {
      case 'create-test':
        return vm.hasDevice(type) ? 'ok' : 'ENODEV';
      case 'create':
        return ioctlResult(() => {
          this.#virtio.set(device, vm.createDevice(type));
        });
      case 'has-attr':
        return this.#device(device).hasAttr({ group, attr }) ? 'ok' : 'ENXIO';
      case 'set-attr':
        return ioctlResult(() => this.#device(device).setAttr({ group, attr }));
      case 'close':
        this.#device(device).close();
        this.#virtio.delete(device);
        return 'ok';
    }
  }

  #device(name: string): Device {
    const device = this.#virtio.get(name);
    if (device === undefined) throw new RangeError(`the scenario has no virtio device ${name}`);
    return device;
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
    ]);
  }
}
