import { cr0AfterInit } from '../arch/cr0.js';
import { gfnOf } from '../arch/units.js';
import { opLanes } from '../check/race/lane-ops.js';
import { Contents } from '../check/steps/contents.js';
import { likelyMemslotFlag, likelyVirtioType } from '../dma/kernel-tables.js';
import {
  type AnsweringKernel,
  type Effect,
  expectedAnswer,
  type ModelOptions,
  type Policy,
  supportedQuirks,
  VmModel,
} from '../memtype/index.js';
import { GuestMsrs } from '../scenario/guest-msrs.js';
import { Replay, type Taken } from '../scenario/replay.js';
import type { AskStep, Scenario, Step } from '../scenario/types.js';
import { LeafBook, type LeafChange } from './leaf-book.js';

/** What a kernel of one policy does in a step, as far as a reproducer can see it. */
export interface PlannedStep {
  readonly step: Step;
  readonly taken: Taken;
  readonly effect: Effect | undefined;
  /** What a read gives, where the model knows it. */
  readonly value?: bigint | undefined;
  /** What KVM answers about itself, and the bits that it may answer either way. */
  readonly answer?: { value: bigint; unsure: bigint } | undefined;
  /** Of steps at the same time: each. */
  readonly parts?: readonly PlannedStep[];
  /** Which leaves there must be from here on, where that differs from before. */
  readonly leaves: readonly LeafChange[];
}

/** A parameter of KVM that a scenario's leaves depend on, and the value that they are told for. */
interface Assumption {
  readonly module: 'kvm' | 'kvm_intel';
  readonly name: string;
  readonly value: 'Y' | 'N';
}

/** Everything that a reproducer of one scenario expects. */
export interface Plan {
  readonly scenario: Scenario;
  readonly policy: Policy;
  readonly replay: Replay;
  readonly steps: readonly PlannedStep[];
  readonly assumptions: readonly Assumption[];
}

type Settings = Pick<ModelOptions, 'nxHugePages' | 'pml' | 'eagerPageSplit'>;

/** How most machines are set up, and how else they may be. */
const SETTINGS: readonly {
  readonly key: keyof Settings;
  readonly usual: boolean;
  readonly module: Assumption['module'];
  readonly name: string;
}[] = [
  { key: 'nxHugePages', usual: false, module: 'kvm', name: 'nx_huge_pages' },
  { key: 'pml', usual: true, module: 'kvm_intel', name: 'pml' },
  { key: 'eagerPageSplit', usual: true, module: 'kvm', name: 'eager_page_split' },
];

/** What is known of the kernel that a reproducer is for. */
export interface Kernel {
  /** Its version, for what it answers about itself. */
  readonly release?: string | undefined;
  /** Parameters of its modules that are not as usual, such as kvm_intel.pml=N. */
  readonly params?: readonly string[];
}

/** The parameters that are told, and the others as usual. */
function settingsOf(params: readonly string[]): Required<Settings> {
  const told = new Map(params.map((param) => param.split('=') as [string, string]));
  const entries = SETTINGS.map(({ key, usual, module, name }) => {
    const value = told.get(`${module}.${name}`);
    return [key, value === undefined ? usual : /^[Yy1]/.test(value)] as const;
  });
  return Object.fromEntries(entries) as Required<Settings>;
}

/** One way through a scenario with the model. */
class Walk {
  readonly replay: Replay;
  readonly #model: VmModel;
  readonly #msrs: GuestMsrs;
  readonly #contents: Contents;
  readonly #book: LeafBook;

  constructor(
    readonly scenario: Scenario,
    readonly policy: Policy,
    readonly kernels: readonly AnsweringKernel[],
    settings: Settings,
  ) {
    this.#model = new VmModel(policy, {
      vcpus: scenario.vcpus,
      maxphyaddr: scenario.maxphyaddr,
      quirksSupported: supportedQuirks(policy, true),
      selfSnoop: true,
      ...settings,
    });
    this.replay = new Replay(scenario, policy);
    for (const event of this.replay.start) this.#model.apply(event);
    this.#contents = new Contents(scenario, this.#model);
    this.#msrs = new GuestMsrs(this.#model, scenario);
    this.#book = new LeafBook(this.#model);
  }

  steps(): PlannedStep[] {
    return this.scenario.steps.map((step) => this.#step(step));
  }

  #step(step: Step): PlannedStep {
    if (step.do === 'together') {
      const before = this.#model.clone();
      const parts = step.steps.map((part) => ({ ...this.#take(part), leaves: [] }));
      const lanes = opLanes(
        step,
        parts.map(({ taken }) => taken),
      );
      this.#book.raced(before, lanes);
      return { step, taken: {}, effect: undefined, parts, leaves: this.#book.changes() };
    }
    if (step.do === 'access') this.#book.beforeAccess(step.vcpu, gfnOf(step.gpa));
    const planned = this.#take(step);
    const { effect } = planned;
    if (effect !== undefined) this.#settle(effect, step);
    return { ...planned, leaves: this.#book.changes() };
  }

  #take(step: Step): Omit<PlannedStep, 'leaves'> {
    const isAccess = step.do === 'access' || step.do === 'nested-access';
    const value = isAccess ? this.#contents.access(step) : undefined;
    const taken = this.replay.next(step);
    const { event, dropped } = taken;
    const effect = event && this.#msrs.apply(event, dropped);
    const planned = { step, taken, effect, value };
    if (step.do === 'ask') return { ...planned, answer: this.#answer(step) };
    if (step.do === 'init') return { ...planned, value: cr0AfterInit(this.#model.state.vcpu(step.vcpu).cr0) };
    return planned;
  }

  /** A reproducer's memory is in huge pages, or in none: where dirty logging ends, the first are mapped as such again. */
  #settle(effect: Effect, step: Step): void {
    if (step.do !== 'memslot' || (step.backing !== 'huge-ram' && step.backing !== 'gib-ram')) return;
    for (const huge of effect.mayMerge) this.#model.observeLeaf(huge);
    for (const { start, end } of effect.mayZap) this.#model.observeZap(start, end - start);
  }

  /** What all kernels that are meant answer; where they differ, either will do. */
  #answer({ of, number }: AskStep): PlannedStep['answer'] {
    const answers = this.kernels.map((kernel) => expectedAnswer(of, number, kernel));
    const [first] = answers;
    if (first === undefined || answers.includes(undefined)) return undefined;
    const unsure = answers.reduce(
      (bits, answer) => bits | (answer?.unsure ?? 0n) | ((answer?.value ?? 0n) ^ first.value),
      0n,
    );
    return { value: first.value, unsure };
  }
}

/** Kernels of a policy for what they answer about themselves: the one whose version was given, or the oldest and the newest. */
function kernelsOf(policy: Policy, release: string | undefined): AnsweringKernel[] {
  const { first, last = first } = policy.versions;
  const releases = release === undefined ? [first.join('.'), last.join('.')] : [release];
  return [...new Set(releases)].map((one) => ({
    policy,
    release: one,
    selfSnoop: true,
    virtioType: likelyVirtioType(one),
    memslotFlag: likelyMemslotFlag(one),
  }));
}

const leavesText = (steps: readonly PlannedStep[]): string =>
  JSON.stringify(steps.map(({ leaves, effect }) => [leaves, effect?.dirty]));

/**
 * What a kernel of this policy does in each step of a scenario, on a processor with EPT that snoops its own caches and with the TDP MMU.
 * @param kernel what is known of the kernel that it is for
 */
export function planOf(scenario: Scenario, policy: Policy, { release, params = [] }: Kernel = {}): Plan {
  const kernels = kernelsOf(policy, release);
  const usual = settingsOf(params);
  const walk = (settings: Settings): [Walk, PlannedStep[]] => {
    const one = new Walk(scenario, policy, kernels, settings);
    return [one, one.steps()];
  };
  const [{ replay }, steps] = walk(usual);
  const text = leavesText(steps);
  const assumptions = SETTINGS.filter(
    ({ key }) => leavesText(walk({ ...usual, [key]: !usual[key] })[1]) !== text,
  ).map(({ key, module, name }): Assumption => ({ module, name, value: usual[key] ? 'Y' : 'N' }));
  return { scenario, policy, replay, steps, assumptions };
}
