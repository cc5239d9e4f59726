import type { GfnRange } from '../arch/units.js';
import { type Policy, VmModel } from '../memtype/index.js';
import { bootWrites } from '../scenario/boot-writes.js';
import { GUEST_MAXPHYADDR } from '../scenario/types.js';

/** Every call of kvm_zap_gfn_range() that a boot must make under a policy, in order, per processor. */
export function expectedZaps(policy: Policy, vcpus: number): GfnRange[][] {
  const model = new VmModel(policy, { vcpus, maxphyaddr: GUEST_MAXPHYADDR });
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    model.apply({ kind: 'cpuid', vcpu, maxphyaddr: GUEST_MAXPHYADDR, mtrr: true });
  }
  model.apply({ kind: 'noncoherent', delta: 1 });
  return Array.from({ length: vcpus }, (_, vcpu) =>
    bootWrites(vcpu).flatMap(([msr, value]) =>
      model
        .apply({ kind: 'wrmsr', vcpu, msr, value, by: 'guest' })
        .zapCalls.map(({ start, end }) => ({ start, end })),
    ),
  );
}
