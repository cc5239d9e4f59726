import { KvmError } from '../errors.js';
import { KVM_MSR_FILTER_MAX_RANGES } from '../uapi.js';
import { struct } from './bytes.js';

/** What KVM_X86_SET_MSR_FILTER takes. */
export interface MsrFilter {
  /** KVM_MSR_FILTER_DEFAULT_*: what happens to MSRs in no range; allowed unless told. */
  flags?: number;
  ranges: readonly MsrFilterRange[];
}

/** MSRs base to base+nmsrs-1. */
export interface MsrFilterRange {
  /** KVM_MSR_FILTER_READ and KVM_MSR_FILTER_WRITE: the accesses it is about. */
  flags: number;
  base: number;
  nmsrs: number;
  /** One bit per MSR, lowest first: 1 allows, 0 denies; or an address where no memory is. */
  bitmap: Uint8Array | 'nowhere';
}

const FILTER_SIZE = 392;
const RANGE_AT = 8;
const RANGE_SIZE = 24;
/** In the first page of an address space, which no process has. */
const NOWHERE = 1n;

/** @internal struct kvm_msr_filter without its pointers but those to nowhere, and the bitmaps in turn, each padded to whole u64s. */
export function encodeMsrFilter(f: MsrFilter): { filter: Uint8Array; bitmaps: Uint8Array } {
  if (f.ranges.length > KVM_MSR_FILTER_MAX_RANGES) {
    throw new KvmError('KVM_ARGUMENT', 'ranges', 22, `must be at most ${KVM_MSR_FILTER_MAX_RANGES}`);
  }
  const padded = f.ranges.map(({ nmsrs, bitmap }) => {
    if (bitmap !== 'nowhere' && bitmap.length < Math.ceil(nmsrs / 8)) {
      throw new KvmError('KVM_ARGUMENT', 'bitmap', 22, `must have one bit for each of ${nmsrs} MSRs`);
    }
    const bytes = new Uint8Array(Math.ceil(nmsrs / 64) * 8);
    if (bitmap !== 'nowhere') bytes.set(bitmap.subarray(0, bytes.length));
    return bytes;
  });
  const filter = struct(FILTER_SIZE, (put) => {
    put.u32(0, f.flags ?? 0, 'flags');
    f.ranges.forEach((range, i) => {
      const at = RANGE_AT + i * RANGE_SIZE;
      put.u32(at, range.flags, 'flags');
      put.u32(at + 4, range.nmsrs, 'nmsrs');
      put.u32(at + 8, range.base, 'base');
      if (range.bitmap === 'nowhere') put.u64(at + 16, NOWHERE, 'bitmap');
    });
  });
  return { filter, bitmaps: Buffer.concat(padded) };
}

/** Where a GSI leads (struct kvm_irq_routing_entry): a pin of a chip, or a message. */
export type GsiRoute =
  | { gsi: number; type: 'irqchip'; irqchip: number; pin: number }
  | { gsi: number; type: 'msi'; address: bigint; data: number };

const ROUTE_SIZE = 48;
const KVM_IRQ_ROUTING_IRQCHIP = 1;
const KVM_IRQ_ROUTING_MSI = 2;

/** @internal struct kvm_irq_routing */
export function encodeRouting(routes: readonly GsiRoute[]): Uint8Array {
  return struct(8 + routes.length * ROUTE_SIZE, (put) => {
    put.u32(0, routes.length, 'count');
    routes.forEach((route, i) => {
      const at = 8 + i * ROUTE_SIZE;
      put.u32(at, route.gsi, 'gsi');
      if (route.type === 'irqchip') {
        put.u32(at + 4, KVM_IRQ_ROUTING_IRQCHIP, 'type');
        put.u32(at + 16, route.irqchip, 'irqchip');
        put.u32(at + 20, route.pin, 'pin');
      } else {
        put.u32(at + 4, KVM_IRQ_ROUTING_MSI, 'type');
        put.u64(at + 16, route.address, 'address');
        put.u32(at + 24, route.data, 'data');
      }
    });
  });
}

/** @internal struct kvm_enable_cap */
export function encodeCap(cap: number, args: readonly bigint[], flags: number): Uint8Array {
  if (args.length > 4) throw new KvmError('KVM_ARGUMENT', 'args', 22, 'must be at most four values');
  return struct(104, (put) => {
    put.u32(0, cap, 'cap');
    put.u32(4, flags, 'flags');
    args.forEach((arg, i) => {
      put.u64(8 + 8 * i, arg, 'args');
    });
  });
}

/** @internal struct kvm_coalesced_mmio_zone */
export function encodeZone(address: bigint, size: number, pio: boolean): Uint8Array {
  return struct(16, (put) => {
    put.u64(0, address, 'address');
    put.u32(8, size, 'size');
    put.u32(12, pio ? 1 : 0, 'type');
  });
}
