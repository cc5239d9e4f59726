import { MIB, PAGE_SIZE } from '../arch/units.js';
import type { NoncoherentDma } from '../dma/index.js';
import { HostMemory, type Kvm } from '../kvm/index.js';
import type { ZapObserver } from '../observe/zap-observer.js';
import { Probe, type ProbeCommand } from '../probe/index.js';
import type { ZapCase, ZapMeasurement } from '../recording/zaps.js';
import { bootWrites } from '../scenario/boot-writes.js';
import { GUEST_MAXPHYADDR, RAM_SIZE } from '../scenario/types.js';
import { Machine } from '../vmm/index.js';

const BATCH = 512;
const BUDGET_MS = 20_000;

/** Touch every page of [RAM_SIZE, RAM_SIZE + size), so that each has a leaf. */
function mapMemory(probe: Probe, size: number): void {
  for (let at = 0; at < size; at += BATCH * PAGE_SIZE) {
    const pages = Math.min(BATCH, (size - at) / PAGE_SIZE);
    const commands = Array.from(
      { length: pages },
      (_, i): ProbeCommand => ({ op: 'read', gpa: BigInt(RAM_SIZE + at + i * PAGE_SIZE), pat: 0, width: 4 }),
    );
    probe.exec(0, commands);
  }
}

/** Boot one VM as firmware and kernel do, each processor in turn with all memory mapped, and count the zaps. */
export function measureZaps(
  o: { kvm: Kvm; dma: NoncoherentDma; observer: ZapObserver },
  zapCase: ZapCase,
): ZapMeasurement {
  const size = zapCase.mib * MIB;
  using ram = HostMemory.memfd(RAM_SIZE + size);
  using machine = Machine.create(o.kvm, {
    vcpus: zapCase.vcpus,
    ramSize: RAM_SIZE + size,
    ram,
    msrMode: 'kernel',
    budgetMs: BUDGET_MS,
    cpuid: { maxPhyAddr: GUEST_MAXPHYADDR, mtrr: true },
  });
  const probe = Probe.boot(machine);
  const attachment = o.dma.attach({ vm: machine.vm, remakeRam: () => {} });
  try {
    const calls = [];
    for (let vcpu = 0; vcpu < zapCase.vcpus; vcpu++) {
      mapMemory(probe, size);
      o.observer.take();
      probe.exec(
        vcpu,
        bootWrites(vcpu).map(([msr, value]) => ({ op: 'wrmsr', msr, value })),
      );
      calls.push(o.observer.take());
    }
    return { ...zapCase, calls };
  } finally {
    attachment.detach();
  }
}
