import { PAGE_SIZE } from '../arch/units.js';
import {
  type HostMemory,
  KVM_CAP_BINARY_STATS_FD,
  KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
  Stats,
  type Vcpu,
} from '../kvm/index.js';
import { type FarAddress, Probe, type ProbeCommand, type ProbeResult } from '../probe/index.js';
import { hasLegacyMmu } from '../recording/mmu.js';
import type { StepPart, StepRecord } from '../recording/recording.js';
import { cr0With } from '../scenario/bits.js';
import {
  type LaneStep,
  type PreFaultStep,
  RAM_SIZE,
  type Scenario,
  type Step,
  WINDOW_END,
} from '../scenario/types.js';
import { Machine } from '../vmm/index.js';
import { askKvm } from './ask.js';
import type { Bench } from './bench.js';
import { closeAll } from './close.js';
import { DmaSteps, ioctlResult } from './dma-steps.js';
import { NestedSteps } from './nested-steps.js';
import { SlotSteps } from './slot-steps.js';
import { takeTogether } from './together-steps.js';
import { accessCommand } from './vcpu/access-command.js';
import { setCd } from './vcpu/cd-step.js';
import {
  addApics,
  initByApic,
  initByHost,
  needsApic,
  takeInit,
  useX2apic,
  wake,
  X2APIC_ICR,
} from './vcpu/init-step.js';
import { askForExits, exitsOf, setFilter, takeException, takeMsrs } from './vcpu/msr-steps.js';
import { takeRestore } from './vcpu/restore-step.js';
import { takeQuirkOff } from './vm/quirk-step.js';

/** Default of a batch's budget: in an emulator some steps take seconds of the guest's clock. */
const BUDGET_MS = 10_000;
/** KVM's counters of leaves, by level (kvm_update_page_stats()). */
const LEAF_COUNTERS = ['pages_4k', 'pages_2m', 'pages_1g'];

export type RawStep = Omit<StepRecord, 'events'>;
type Outcome = Omit<RawStep, 'step'>;

/** The addresses that the guest must have in its tables beside its windows. */
const farAddresses = ({ steps }: Scenario): FarAddress[] =>
  steps.flatMap((step) => (step.do === 'access' && step.gpa >= WINDOW_END ? [step] : []));

/** Runs the steps of one scenario on one VM. */
export class Execution {
  /** Backing of guest RAM. */
  readonly ram: HostMemory;
  readonly #machine: Machine;
  readonly #probe: Probe;
  readonly #dma: DmaSteps;
  readonly #slots: SlotSteps;
  readonly #nested: NestedSteps;
  #stats: Stats | undefined;

  constructor(
    readonly scenario: Scenario,
    readonly bench: Bench,
  ) {
    this.ram = scenario.hugeRam ? bench.hugeRam.memory() : bench.ram;
    this.#machine = this.#createMachine();
    try {
      if (needsApic(scenario)) wake(this.#machine.vcpus);
      this.#probe = Probe.boot(this.#machine, farAddresses(scenario));
      const { vm } = this.#machine;
      if (hasLegacyMmu(bench.environment) && vm.checkExtension(KVM_CAP_BINARY_STATS_FD))
        this.#stats = new Stats(vm.statsFd());
      this.#dma = new DmaSteps(this.#machine, bench.dma);
      this.#slots = new SlotSteps(this.#machine, bench);
      this.#nested = new NestedSteps(this.#machine, this.#probe, scenario);
    } catch (error) {
      this.#stats?.file.close();
      this.#machine.close();
      throw error;
    }
  }

  #createMachine(): Machine {
    const { scenario, bench } = this;
    return Machine.create(bench.kvm, {
      vcpus: scenario.vcpus,
      ramSize: RAM_SIZE,
      ram: this.ram,
      msrMode: scenario.msrMode === 'kernel' ? 'kernel' : 'filter',
      forwardMsrs: scenario.msrMode !== 'filter-drop',
      budgetMs: bench.budgetMs ?? BUDGET_MS,
      cpuid: { maxPhyAddr: scenario.maxphyaddr, mtrr: scenario.guestMtrr },
      ...(needsApic(scenario) ? { prepare: addApics } : {}),
    });
  }

  /** Start the guest: fault in the pages that it uses itself, on every vCPU. */
  start(): void {
    for (let vcpu = 0; vcpu < this.scenario.vcpus; vcpu++) {
      if (this.scenario.startCd) setCd(this.#vcpu(vcpu), true);
      this.#run(vcpu, { op: 'pause' });
    }
  }

  /** How many leaves there are, where the trace does not tell of all that go. */
  leaves(): Pick<RawStep, 'leaves'> {
    const stats = this.#stats;
    return stats === undefined ? {} : { leaves: LEAF_COUNTERS.map((name) => Number(stats.read(name) ?? 0n)) };
  }

  infra(): { gfn: number; npages: number }[] {
    return this.#probe.infraGfns();
  }

  /** Take a step, and tell of the exits by MSRs that it led to. */
  step(step: Step): Outcome {
    const outcome = this.#take(step);
    const exits = exitsOf(this.#machine.msr.takeLog());
    const asked = (step.do === 'wrmsr' || step.do === 'rdmsr' || step.do === 'msrs') && step.by === 'guest';
    return asked || exits.length > 0 ? { ...outcome, exits } : outcome;
  }

  #take(step: Step): Outcome {
    switch (step.do) {
      case 'wrmsr':
        return step.by === 'guest'
          ? this.#run(step.vcpu, { op: 'wrmsr', msr: step.msr, value: step.value })
          : this.#setMsr(step);
      case 'rdmsr':
        return step.by === 'guest'
          ? this.#run(step.vcpu, { op: 'rdmsr', msr: step.msr })
          : this.#getMsr(step);
      case 'msrs':
        return this.#msrs(step);
      case 'restore':
        return this.#restore(step);
      case 'msr-filter':
        return { result: setFilter(this.#machine.vm, step) };
      case 'msr-exits':
        askForExits(this.#machine.vm, step.reasons);
        return {};
      case 'access':
        return this.#witnessed(
          step,
          this.#countMmio(() => this.#run(step.vcpu, accessCommand(step))),
        );
      case 'nested-access':
        return this.#nested.access(step);
      case 'init':
        return this.#init(step);
      case 'invept':
        return this.#nested.invept(step.vcpu);
      case 'cd':
        return step.by === 'guest'
          ? this.#setCdByGuest(step)
          : { value: setCd(this.#vcpu(step.vcpu), step.on, step.nw) };
      case 'noncoherent':
        return { result: this.#dma.noncoherent(step) };
      case 'virtio':
        return { result: this.#dma.virtio(step) };
      case 'disable-quirk':
        return { result: takeQuirkOff(this.#machine.vm, step) };
      case 'memslot':
        return { result: this.#slots.set(step) };
      case 'delete-memslot':
        return { result: this.#slots.delete(step.slot) };
      case 'get-dirty-log':
        return this.#slots.dirtyLog(step.slot);
      case 'clear-dirty-log':
        return { result: this.#slots.clearDirtyLog(step) };
      case 'manual-protect':
        this.#machine.vm.enableCap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, [step.initiallySet ? 3n : 1n]);
        return {};
      case 'discard':
        return this.#discard(step);
      case 'together':
        return { parts: takeTogether(step, this.#probe, (part) => this.#hostPart(part)) };
      case 'pre-fault':
        return this.#preFault(step);
      case 'host-memory':
        this.#slots.changeMemory(step);
        return {};
      case 'ask':
        return { value: askKvm({ kvm: this.bench.kvm, vm: this.#machine.vm }, step) };
    }
  }

  #discard({ gpa, pages }: Extract<Step, { do: 'discard' }>): Outcome {
    this.ram.dontNeed(Number(gpa), pages * PAGE_SIZE);
    return {};
  }

  #hostPart(step: Extract<LaneStep, { do: 'noncoherent' | 'discard' }>): StepPart {
    return step.do === 'discard' ? this.#discard(step) : { result: this.#dma.noncoherent(step) };
  }

  #run(vcpu: number, command: ProbeCommand): Outcome {
    const [result] = this.#probe.exec(vcpu, [command]) as [ProbeResult];
    if (!result.ok) return { ok: false, vector: result.fault.vector };
    const reads = command.op === 'rdmsr' || command.op === 'read' || command.op === 'read-cr';
    return reads ? { ok: true, value: result.value } : { ok: true };
  }

  #vcpu(id: number): Vcpu {
    const vcpu = this.#machine.vcpus[id];
    if (vcpu === undefined) throw new RangeError(`the scenario has no vCPU ${id}`);
    return vcpu;
  }

  #setMsr(step: Extract<Step, { do: 'wrmsr' }>): Outcome {
    const vcpu = this.#vcpu(step.vcpu);
    const done = vcpu.setMsrs([{ index: step.msr, value: step.value }]);
    return done === 1 ? { ok: true } : { ok: false, ...takeException(vcpu) };
  }

  #msrs(step: Extract<Step, { do: 'msrs' }>): Outcome {
    const vcpu = this.#vcpu(step.vcpu);
    const msrs = takeMsrs(step, this.#probe, vcpu);
    return step.by === 'guest' ? { msrs } : { msrs, ...takeException(vcpu) };
  }

  #restore({ vcpu, from, mtrrs }: Extract<Step, { do: 'restore' }>): Outcome {
    const to = this.#vcpu(vcpu);
    const restored = takeRestore(this.bench.kvm, this.#vcpu(from), to, mtrrs);
    return { restored, ...takeException(to) };
  }

  #init({ vcpu: id, sipi, from }: Extract<Step, { do: 'init' }>): Outcome {
    const vcpu = this.#vcpu(id);
    if (from === undefined || sipi === undefined) return takeInit(vcpu, initByHost(sipi));
    for (const one of [vcpu, this.#vcpu(from)]) useX2apic(one);
    const ipi = (value: bigint): Outcome => this.#run(from, { op: 'wrmsr', msr: X2APIC_ICR, value });
    return takeInit(vcpu, initByApic(id, sipi, ipi));
  }

  #getMsr(step: Extract<Step, { do: 'rdmsr' }>): Outcome {
    const [value] = this.#vcpu(step.vcpu).getMsrs([step.msr]);
    return value === undefined ? { ok: false } : { ok: true, value };
  }

  /** Have the emulator look at how the processor comes to a page that an access has reached. */
  #witnessed({ vcpu, gpa, pat }: Extract<Step, { do: 'access' }>, outcome: Outcome): Outcome {
    const { witness } = this.bench;
    if (witness === undefined || outcome.ok !== true || outcome.mmio !== 0) return outcome;
    this.#run(vcpu, { op: 'witness', gpa, pat, width: 4 });
    return { ...outcome, walk: witness.take() };
  }

  /** How many exits an access makes as MMIO: no device of ours is there, so nobody answers them. */
  #countMmio(access: () => Outcome): Outcome {
    const before = this.#machine.mmio.unclaimed;
    return { ...access(), mmio: this.#machine.mmio.unclaimed - before };
  }

  #preFault({ vcpu, gpa, pages }: PreFaultStep): Outcome {
    let left = 0n;
    const result = ioctlResult(() => {
      left = this.#vcpu(vcpu).preFaultMemory(gpa, BigInt(pages * PAGE_SIZE));
    });
    return result === 'ok' ? { result, value: left } : { result };
  }

  /** Write CR0, and read it back. */
  #setCdByGuest({ vcpu, on, nw }: Extract<Step, { do: 'cd' }>): Outcome {
    const outcome = this.#run(vcpu, { op: 'write-cr', cr: 0, value: cr0With(on, nw) });
    return outcome.ok ? this.#run(vcpu, { op: 'read-cr', cr: 0 }) : outcome;
  }

  /** Give back everything; what cannot be given back keeps nothing else. @throws the first error of several */
  close(): void {
    closeAll([
      () => this.#stats?.file.close(),
      () => this.#dma.close(),
      () => this.#machine.close(),
      () => this.#slots.close(),
    ]);
  }
}
