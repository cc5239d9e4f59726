import { KVM_MEM_NON_COHERENT_DMA } from '../arch/memslots.js';
import { MSR } from '../arch/msrs.js';
import { archMtrrType, classifyMsr, type ModelEvent, MtrrState } from '../memtype/index.js';
import type { MsrAccess } from '../memtype/model/events.js';
import type { Environment, StepRecord } from '../recording/recording.js';
import { Replay } from '../scenario/replay.js';
import type { Scenario, Step } from '../scenario/types.js';

const CR0_CD = 1n << 30n;

/** Classes of steps, in words that follow `at`. */
const STEPS: Partial<Record<Step['do'], string>> = {
  access: 'an access',
  memslot: 'a memslot made or changed',
  'delete-memslot': 'a memslot deleted',
  'disable-quirk': 'a quirk disabled',
  discard: 'a discard of host memory',
  'get-dirty-log': 'KVM_GET_DIRTY_LOG',
  'clear-dirty-log': 'KVM_CLEAR_DIRTY_LOG',
};

const quirkText = (quirk: string | number): string =>
  typeof quirk === 'number' ? `0x${quirk.toString(16)}` : quirk;

function stepClass(step: Step): string {
  if (step.do === 'msrs') return 'several MSR accesses';
  if (step.do === 'wrmsr') return classifyMsr(step.msr)?.kind === 'pat' ? 'a PAT write' : 'an MTRR write';
  if (step.do === 'cd') return 'a change of CR0.CD';
  if (step.do === 'noncoherent') return `non-coherent DMA ${step.on ? 'attached' : 'detached'}`;
  if (step.do === 'virtio') return `a virtio device’s ${step.op}`;
  return STEPS[step.do] ?? `a step ${step.do}`;
}

/** A situation, in words. */
export interface Place {
  where: string;
  /** What else there is that bears on types, and is out of the ordinary. */
  conditions: string[];
}

/**
 * What a VM is like at each step, as far as its scenario and the answers to its steps tell: what a change between kernels is told by. No
 * policy comes into it.
 */
export class Situation {
  readonly #replay: Replay;
  #dma = 0;
  readonly #cd = new Map<number, boolean>();
  readonly #mtrr = new Map<number, MtrrState>();
  #quirks: string[] = [];

  constructor(
    readonly scenario: Scenario,
    { missing }: Environment,
  ) {
    this.#replay = new Replay(scenario, {
      virtioDevice: missing['virtio-device'] === undefined,
      memslotFlag: missing['memslot-flag'] === undefined,
      vfioEnds: 'close',
    });
    for (let vcpu = 0; vcpu < scenario.vcpus; vcpu++) this.#cd.set(vcpu, scenario.startCd);
  }

  /** Take the next step. */
  take(step: Step, record: StepRecord): void {
    const { event, dropped } = this.#replay.next(step);
    if (step.do === 'disable-quirk') this.#quirks.push(quirkText(step.quirk));
    if (event !== undefined && dropped === undefined && record.ok !== false) this.#apply(event, record);
  }

  #apply(event: ModelEvent, { result, msrs }: StepRecord): void {
    if (event.kind === 'noncoherent' && (result ?? 'ok') === 'ok') this.#dma += event.delta;
    if (event.kind === 'cr0') this.#cd.set(event.vcpu, (event.value & CR0_CD) !== 0n);
    if (event.kind === 'restore' && event.msrs.includes(MSR.DEF_TYPE))
      this.#mtrr.set(event.vcpu, this.#mtrrOf(event.from));
    if (event.kind !== 'msrs') return;
    for (const [i, op] of event.ops.entries())
      if (msrs === undefined || msrs[i] === true) this.#write(event.vcpu, op);
  }

  #write(vcpu: number, { msr: number, value, denied }: MsrAccess): void {
    const msr = classifyMsr(number);
    if (value === undefined || denied || msr === undefined || msr.kind === 'pat' || msr.kind === 'cap')
      return;
    this.#mtrr.set(vcpu, this.#mtrrOf(vcpu).write(msr, value, this.scenario.maxphyaddr));
  }

  #mtrrOf(vcpu: number): MtrrState {
    return this.#mtrr.get(vcpu) ?? MtrrState.initial;
  }

  /** The type that the SDM has the MTRRs of a processor give to a frame. */
  mtrrType(vcpu: number, gfn: number): string {
    return archMtrrType(this.#mtrrOf(vcpu), gfn);
  }

  get #dmaText(): string {
    return `${this.#dma > 0 ? 'with' : 'without'} non-coherent DMA`;
  }

  #conditions(vcpu?: number): string[] {
    const cd = vcpu !== undefined && this.#cd.get(vcpu) === true ? ['CR0.CD=1'] : [];
    return [...cd, ...this.#quirks.map((quirk) => `quirk ${quirk} disabled`)];
  }

  /** Where an access goes. */
  memory(vcpu: number, gpa: bigint): Place {
    const slot = this.#replay.slotAt(gpa);
    const flag = ((slot?.flags ?? 0) & KVM_MEM_NON_COHERENT_DMA) !== 0 ? ' of a flagged memslot' : '';
    const kind = slot?.backing === 'mmio' ? 'host MMIO' : 'RAM';
    return { where: `${kind}${flag} ${this.#dmaText}`, conditions: this.#conditions(vcpu) };
  }

  /** What a step does to leaves that are there. */
  change(step: Step): Place {
    const dma = step.do === 'noncoherent' || step.do === 'virtio' ? '' : ` ${this.#dmaText}`;
    return { where: `${stepClass(step)}${dma}`, conditions: this.#conditions() };
  }
}
