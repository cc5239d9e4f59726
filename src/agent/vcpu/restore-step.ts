import type { Kvm, Vcpu } from '../../kvm/index.js';
import type { Restored } from '../../recording/recording.js';
import { MTRR_STATE } from '../../scenario/bits.js';
import { ioctlResult } from '../dma-steps.js';

/** Entries of one KVM_SET_MSRS (MAX_IO_MSRS, less one). */
const MOST_AT_ONCE = 255;
/** IA32_TSC, IA32_TSC_ADJUST and IA32_TSC_DEADLINE: they are about time, which goes on. */
const OF_TIME: readonly number[] = [0x10, 0x3b, 0x6e0];

/** AMD's performance counters: Linux 5.10 names and reads them on Intel too, and takes no write of them (kvm_set_msr_common()). */
const isOfAmdCounters = (msr: number): boolean => msr >= 0xc001_0200 && msr <= 0xc001_020b;

/** MSRs of time, and those that hypervisors made up (0x40000000 on, 0x4b564d00 on, and Linux's first two), are not those of a processor. */
const isOfProcessor = (msr: number): boolean =>
  !OF_TIME.includes(msr) &&
  !isOfAmdCounters(msr) &&
  msr !== 0x11 &&
  msr !== 0x12 &&
  (msr < 0x4000_0000 || msr >= 0xc000_0000);

interface Saved {
  index: number;
  value: bigint;
}

/** Read MSRs; those that the guest's CPUID has not cannot be. */
function save(vcpu: Vcpu, msrs: readonly number[]): Saved[] {
  const saved: Saved[] = [];
  for (let at = 0; at < msrs.length; at++) {
    const rest = msrs.slice(at, at + MOST_AT_ONCE);
    const values = vcpu.getMsrs(rest);
    for (const [i, value] of values.entries()) saved.push({ index: rest[i] as number, value });
    // The loop goes on behind the one that cannot be read, if there is one.
    at += values.length === rest.length ? rest.length - 1 : values.length;
  }
  return saved;
}

/** Save a vCPU's MSRs, restore a vCPU from them, and set its CPUID again. */
export function takeRestore(kvm: Kvm, from: Vcpu, to: Vcpu, mtrrs: boolean): Restored {
  const named = kvm.msrIndexList().filter(isOfProcessor);
  const saved = save(from, [...named, ...(mtrrs ? MTRR_STATE : [])]);
  let written = 0;
  for (let at = 0; at < saved.length && written === at; at += MOST_AT_ONCE)
    written += to.setMsrs(saved.slice(at, at + MOST_AT_ONCE));
  // Once a vCPU has run a kernel may refuse to set CPUID (kvm_cpuid_check_equal()); either way it must not cost any MSR.
  ioctlResult(() => to.setCpuid2(to.getCpuid2()));
  const now = new Map(
    save(
      to,
      saved.map(({ index }) => index),
    ).map(({ index, value }) => [index, value]),
  );
  const odd = saved.flatMap(({ index, value }) => {
    const read = now.get(index);
    return read === value ? [] : [{ msr: index, saved: value, ...(read === undefined ? {} : { read }) }];
  });
  return { saved: saved.length, written, odd };
}
