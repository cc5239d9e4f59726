// Short names for the events of the model's tests, and a VM with 16 MiB of RAM and 64 KiB of host MMIO.

import {
  type AccessEvent,
  type Effect,
  type Leaf,
  type ModelEvent,
  type ModelOptions,
  type Policy,
  policies,
  VmModel,
} from '../../src/memtype/index.js';

export const CD = 1n << 30n;
export const NW = 1n << 29n;
export const PG = 1n << 31n;
export const slotEvent = (
  slot: number,
  gfn: number,
  npages: number,
  flags = 0,
  backing: 'ram' | 'mmio' = 'ram',
): ModelEvent => ({
  kind: 'memslot',
  slot,
  gfn,
  npages,
  backing,
  flags,
});
export const wrmsr = (msr: number, value: bigint, vcpu = 0, by: 'guest' | 'host' = 'guest'): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value,
  by,
});
export const touch = (gfn: number, rest: Partial<AccessEvent> = {}): AccessEvent => ({
  kind: 'access',
  vcpu: 0,
  gfn,
  access: 'read',
  ...rest,
});
export const cr0 = (value: bigint, by: 'guest' | 'host' = 'guest', vcpu = 0): ModelEvent => ({
  kind: 'cr0',
  vcpu,
  value: value | 1n,
  by,
});
export const ADD: ModelEvent = { kind: 'noncoherent', delta: 1 };
export const DEL: ModelEvent = { kind: 'noncoherent', delta: -1 };
export const log = (on: boolean): ModelEvent => ({ kind: 'dirty-log', slot: 0, on });
export const off = (mask: number): ModelEvent => ({ kind: 'disable-quirks', mask });

/** A VM of two vCPUs after these events. */
export function model(name: string, events: ModelEvent[] = [], options: Partial<ModelOptions> = {}): VmModel {
  const vm = new VmModel(policies.get(name) as Policy, { vcpus: 2, maxphyaddr: 40, ...options });
  for (const event of [slotEvent(0, 0, 0x1000), slotEvent(1, 0x8000, 0x10, 0, 'mmio'), ...events])
    vm.apply(event);
  return vm;
}

export const show = ({ gfn, level, type, ipat }: Leaf): string =>
  `${gfn.toString(16)}/${level} ${type}${ipat ? '+IPAT' : ''}`;
export const made = (effect: Effect): string[] => effect.made.map(show);
export const zapped = (effect: Effect): string[] => effect.zapped.map(show);
