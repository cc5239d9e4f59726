import type { GfnRange } from '../arch/units.js';
import type { Policy } from '../memtype/index.js';
import type { ZapMeasurement } from '../recording/zaps.js';
import { expectedZaps } from './expected-zaps.js';

/** What one boot cost, and where it departs from the model. */
export interface ZapResult {
  vcpus: number;
  mib: number;
  /** Calls of kvm_zap_gfn_range() by the boot processor, and by all others together. */
  bootZaps: number;
  otherZaps: number;
  /** Nanoseconds spent in them. */
  ns: number;
  /** One sentence for each processor whose zaps are not those of the model. */
  mismatches: string[];
}

const text = (ranges: readonly GfnRange[]): string =>
  ranges.length === 0
    ? 'none'
    : ranges.map(({ start, end }) => `[0x${start.toString(16)}, 0x${end.toString(16)})`).join(' ');

/** Frame numbers above every guest-physical address mean "to the end": KVM passes ~0 or 2^40 for it. */
const clamp = (gfn: bigint): number => Number(gfn > 1n << 40n ? 1n << 40n : gfn);

/** Hold the calls of a boot, each range in order, against those that the model of `policy` says. */
export function judgeZaps(measurement: ZapMeasurement, policy: Policy): ZapResult {
  const expected = expectedZaps(policy, measurement.vcpus);
  const seen = measurement.calls.map((calls) =>
    calls.map((c) => ({ start: clamp(c.start), end: clamp(c.end) })),
  );
  const mismatches = expected.flatMap((ranges, vcpu) => {
    const [want, got] = [text(ranges), text(seen[vcpu] ?? [])];
    return want === got ? [] : [`vCPU ${vcpu}: expected zaps of ${want}; seen ${got}`];
  });
  const counts = seen.map((calls) => calls.length);
  return {
    vcpus: measurement.vcpus,
    mib: measurement.mib,
    bootZaps: counts[0] ?? 0,
    otherZaps: counts.slice(1).reduce((sum, n) => sum + n, 0),
    ns: measurement.calls.flat().reduce((sum, call) => sum + call.ns, 0),
    mismatches,
  };
}
