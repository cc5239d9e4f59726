import type { CountedWay } from '../../arch/dma-ways.js';
import type { NoncoherentStep } from '../../scenario/types.js';
import type { Uses } from './uses.js';
import { call } from './words.js';

/** The enumerator of each way. Where it does not matter which, it is the group of the PCI function that the user names. */
export const WAY_WORDS: Readonly<Record<CountedWay | 'any', string>> = {
  any: 'VFIO_GROUP',
  'vfio-noiommu': 'VFIO_NOIOMMU_GROUP',
  'vfio-type1': 'VFIO_TYPE1_GROUP',
  'vfio-cdev': 'VFIO_CDEV',
  'vfio-mdev': 'MDEV_GROUP',
  'mdev-cdev': 'MDEV_CDEV',
  'virtio-device': 'VIRTIO_DEVICE',
};

/** Which devices are attached while lines are written, each by a number of its own. */
export class Attachments {
  readonly #attached: { number: number; device: string | undefined; via: CountedWay | undefined }[] = [];
  readonly #virtio = new Map<string, number>();
  count = 0;

  get virtioCount(): number {
    return this.#virtio.size;
  }

  /** The number of a virtio device of the scenario's. */
  virtio(device: string): number {
    const number = this.#virtio.get(device) ?? this.#virtio.size;
    this.#virtio.set(device, number);
    return number;
  }

  lines(step: NoncoherentStep, errno: string, uses: Uses): string[] {
    if (step.again) return this.#again(step, errno, uses);
    return step.on ? this.#attach(step, errno, uses) : this.#detach(step, uses);
  }

  #attach({ via, device }: NoncoherentStep, errno: string, uses: Uses): string[] {
    if (via === 'virtio-device') return this.#attachVirtio(device, errno, uses);
    const number = this.count++;
    if (errno === '0') this.#attached.push({ number, device, via });
    uses.ways.add(via ?? 'any');
    return uses.call('kvm_vfio', [String(number), WAY_WORDS[via ?? 'any'], errno], 'attach');
  }

  /** The file that is in already, once more. */
  #again({ device }: NoncoherentStep, errno: string, uses: Uses): string[] {
    const one = this.#attached.find((other) => other.device === device);
    return uses.call('kvm_vfio', ['1', `devices[${one?.number ?? 0}].file`, errno], 'kvm_vfio_change');
  }

  #attachVirtio(device: string | undefined, errno: string, uses: Uses): string[] {
    const number = this.virtio(` ${this.#virtio.size}`);
    const made = uses.call('virtio', [String(number), '0', errno], 'virtio_create');
    if (errno !== '0') return made;
    this.#attached.push({ number, device, via: 'virtio-device' });
    return [...made, ...uses.call('virtio_attr', [String(number), 'KVM_SET_DEVICE_ATTR', '1', '1', '0'])];
  }

  #detach({ device, close }: NoncoherentStep, uses: Uses): string[] {
    const at = this.#attached.findLastIndex((one) => device === undefined || one.device === device);
    const [one] = this.#attached.splice(at, 1);
    if (one === undefined) return [];
    const number = String(one.number);
    if (one.via === 'virtio-device') return call('close', [`virtio_fds[${number}]`]);
    return close ? uses.call('detach_by_close', [number]) : uses.call('detach', [number]);
  }
}
