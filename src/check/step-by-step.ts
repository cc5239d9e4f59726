import { MSR } from '../arch/msrs.js';
import { gfnOf } from '../arch/units.js';
import {
  type Effect,
  ERRATA,
  type ErratumId,
  type MsrAnswer,
  mayRepeatGp,
  type Policy,
  type VmModel,
} from '../memtype/index.js';
import type { Recording, StepRecord } from '../recording/recording.js';
import { GuestMsrs } from '../scenario/guest-msrs.js';
import { Replay, type Taken } from '../scenario/replay.js';
import type { Scenario, Step, TogetherStep } from '../scenario/types.js';
import { type Evidence, evidenceOf, levelOf, type Move } from './evidence/index.js';
import type { AllowedWarning } from './kernel-log.js';
import { LeafDiff } from './leaves/leaf-diff.js';
import { judgeShadow } from './leaves/shadow-diff.js';
import { modelOf } from './model-of.js';
import { judgeInit } from './msrs/init-judge.js';
import { GENERAL_PROTECTION, isMsrStep, judgeMsrs, type MsrStep, opsOf, patRead } from './msrs/msr-judge.js';
import { judgeRestored } from './msrs/restore-judge.js';
import { opLanes } from './race/lane-ops.js';
import { adopt, judgeRace } from './race/race-judge.js';
import { answerFault, type HeldAgainst } from './steps/answer-judge.js';
import { judgeClaim } from './steps/claims.js';
import { Contents } from './steps/contents.js';
import { judgeEffective } from './steps/effective.js';
import { endText, runsGuest, senderOf, stepText } from './steps/guest-steps.js';
import { ioctlExpectation } from './steps/ioctl-judge.js';
import { judgeSlots } from './steps/slot-judge.js';
import { judgeWalk } from './steps/walk-judge.js';
import type { Checks, Fail, Mismatch, Note } from './verdict.js';
import { type Watch, watchedStep } from './watch/watch.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** Nothing was checked. */
export const noChecks = (): Checks => ({ leaves: 0, zaps: 0, kept: 0, msrs: 0, effective: 0, ioctls: 0 });
const hex = (value: bigint | undefined): string => (value === undefined ? '#GP' : `0x${value.toString(16)}`);

const accepted = (ok: boolean | undefined): string => (ok ? 'accepted' : 'refused (#GP)');

/** Holds one recording against the model of one policy, step by step. */
export class Judge {
  readonly checks = noChecks();
  readonly mismatches: Mismatch[] = [];
  readonly notes = new Map<string, Note>();
  readonly allowed: AllowedWarning[] = [];
  readonly #model: VmModel;
  readonly #msrs: GuestMsrs;
  readonly #evidence: Evidence;
  readonly #leaves: LeafDiff;
  readonly #contents: Contents;
  readonly #pat = new Map<number, bigint | undefined>();
  readonly #replay: Replay;
  #record: StepRecord = { step: -1 };
  #step: Step | undefined;
  #taken: Taken = {};
  /** The steps at the same time that the step is one of. */
  #around: Step | undefined;

  constructor(
    readonly scenario: Scenario,
    readonly recording: Ran,
    readonly policy: Policy,
    readonly held: HeldAgainst,
    readonly watch: Watch | undefined,
  ) {
    const { env } = held;
    this.#evidence = evidenceOf(env);
    this.#model = modelOf(scenario, policy, env);
    this.#replay = new Replay(scenario, policy);
    for (const event of this.#replay.start) this.#model.apply(event);
    this.#contents = new Contents(scenario, this.#model);
    this.#msrs = new GuestMsrs(this.#model, scenario);
    this.#leaves = new LeafDiff(this.#model, this.#evidence, recording.infra, this.checks, this.fail);
  }

  /** @param toFirstFault whether to leave out the steps after one that is wrong */
  run(toFirstFault = false): void {
    for (const record of this.recording.steps) {
      if (toFirstFault && this.mismatches.length > 0) return;
      this.#record = record;
      this.#step = this.scenario.steps[record.step];
      this.#judgeStep();
    }
  }

  #vcpu(): number {
    return this.#step !== undefined && 'vcpu' in this.#step ? this.#step.vcpu : 0;
  }

  readonly fail: Fail = (what, expected, seen, o = {}) => {
    this.mismatches.push({
      step: this.#record.step + 1,
      stepText: stepText(this.#step, this.#around),
      vcpu: this.#vcpu(),
      ...(o.gfn === undefined ? {} : { gfn: o.gfn }),
      what,
      expected,
      seen,
      why: o.why ?? [],
    });
  };

  /** Take steps at the same time one by one for what each gives, and all together for what they do to leaves. */
  #judgeTogether(step: TogetherStep): void {
    const record = this.#record;
    const model = this.#model.clone();
    this.#around = step;
    const taken = step.steps.map((part, i) => {
      this.#step = part;
      // An access as MMIO is not told of, and gives another value.
      this.#record = { step: record.step, mmio: 0, ...record.parts?.[i] };
      const effect = this.#applyStep([]);
      this.#judgeIoctl(effect);
      this.#noteAll(effect);
      return this.#taken;
    });
    [this.#step, this.#record, this.#around] = [step, record, undefined];
    const { seen, infra, checks, fail } = this.#leaves;
    const key = { scenario: this.scenario, policy: this.policy, env: this.held.env };
    judgeRace({ model, lanes: opLanes(step, taken), infra, seen, checks, fail }, record, key);
    adopt(this.#model, seen);
  }

  #judgeStep(): void {
    if (this.#step?.do === 'together') this.#judgeTogether(this.#step);
    else this.#judgeAlone();
  }

  #judgeAlone(): void {
    const seen = this.#evidence.read(this.#record);
    const source = { vcpu: senderOf(this.#step) ?? this.#vcpu(), guestRuns: runsGuest(this.#step) };
    const ofGuest = (seen?.moves ?? []).filter(({ kind }) => kind !== 'shadow');
    const moves = this.#leaves.takeEarly(ofGuest, source);
    const effect = this.#applyStep(ofGuest);
    this.#judgeClaim();
    if (seen !== undefined) {
      judgeShadow(seen.moves, effect, this, (gfn) => this.#leaves.seenAt(gfn));
      this.#leaves.judge({ ...seen, moves }, effect);
    }
    const seesZaps = seen !== undefined && (this.#evidence.tellsZaps || seen.counts !== undefined);
    if (seesZaps && effect !== undefined && this.#step?.do !== 'access')
      this.checks.kept += this.#model.leaves().length;
    this.#judgeIoctl(effect);
    this.#judgeAnswer();
    this.#judgeInit();
    this.#judgeEffective();
    this.#noteAll(effect);
    this.#show(effect, seen?.moves ?? []);
  }

  #show(effect: Effect | undefined, moves: readonly Move[]): void {
    if (this.#step === undefined) return;
    const judged = { step: this.#step, taken: this.#taken, effect, model: this.#model };
    this.watch?.(watchedStep(judged, this.#record, moves, this.#leaves));
  }

  #noteAll(effect: Effect | undefined): void {
    for (const id of effect?.notes ?? []) this.#note(id);
  }

  #note(id: ErratumId): void {
    const erratum = ERRATA.get(id);
    if (erratum === undefined) return;
    this.notes.set(id, { id, kernels: erratum.kernels, text: erratum.title });
    if (erratum.warns !== undefined) this.allowed.push({ step: this.#record.step, warns: erratum.warns });
  }

  #applyStep(moves: readonly Move[]): Effect | undefined {
    const step = this.#step;
    if (step === undefined) return undefined;
    if (step.do === 'access' || step.do === 'nested-access') this.#judgeAccess(step);
    if (step.do === 'invept') this.#judgeDone('INVEPT');
    if (this.#record.vector !== undefined && step.do === 'cd') this.#judgeVector(this.#record.vector);
    this.#taken = this.#replay.next(step);
    const { event, dropped } = this.#taken;
    if (event === undefined) return undefined;
    if (isMsrStep(step)) {
      const effect = this.#msrs.apply(event, dropped);
      this.#judgeMsrs(step, effect.msrs ?? []);
      return dropped ? undefined : effect;
    }
    const level = event.kind === 'access' ? levelOf(moves, event.gfn) : undefined;
    const effect = this.#model.apply(
      event.kind === 'access' && level !== undefined ? { ...event, level } : event,
    );
    judgeSlots(step, this.#record, effect, { model: this.#model, checks: this.checks, fail: this.fail });
    if (step.do === 'cd') this.#judgeCr0(step, effect);
    if (step.do === 'restore') this.#judgeRestore();
    return effect;
  }

  /** A guest's access of memory must go through, and a read give what the page holds. */
  #judgeAccess(step: Extract<Step, { do: 'access' | 'nested-access' }>): void {
    const { value } = this.#record;
    const expected = this.#contents.access(step);
    if (!this.#judgeDone(step.do === 'access' ? 'guest access' : 'access of L2')) return;
    if (step.access === 'read' && expected !== undefined && value !== expected)
      this.fail('value read', hex(expected), hex(value));
  }

  #judgeDone(what: string): boolean {
    if (this.#record.ok === true) return true;
    this.fail(what, 'done', endText(this.#record));
    return false;
  }

  /** KVM refuses a guest's write of CR0 by #GP alone. */
  #judgeVector(vector: number): void {
    if (vector !== GENERAL_PROTECTION) this.fail('fault', '#GP', `vector ${vector}`);
  }

  #judgeMsrs(step: MsrStep, answers: readonly MsrAnswer[]): void {
    this.checks.msrs += opsOf(step).length;
    const pat = this.#taken.dropped ? undefined : patRead(step, this.#record);
    if (pat !== undefined) this.#pat.set(step.vcpu, pat.value);
    const { maxphyaddr } = this.#model.state.vcpu(step.vcpu);
    judgeMsrs(step, this.#record, {
      answers,
      routes: this.#replay.routes,
      fail: this.fail,
      mayRepeat: ({ msr, value }) =>
        value !== undefined && mayRepeatGp(this.#model.state.policy.msrs, msr, value, maxphyaddr),
      repeated: () => this.#note('D6'),
    });
  }

  #judgeRestore(): void {
    this.checks.msrs += this.#record.restored?.written ?? 0;
    judgeRestored(this.#record, this.fail);
  }

  /** A write is taken, and reads back; of steps at the same time nobody reads. */
  #judgeCr0({ vcpu, by }: Extract<Step, { do: 'cd' }>, effect: Effect): void {
    const { ok, value } = this.#record;
    const expected = effect.cr0 !== 'gp';
    this.checks.msrs++;
    if (by === 'guest' && ok !== expected) this.fail('CR0 write', accepted(expected), accepted(ok));
    if (value === undefined) return;
    const { cr0 } = this.#model.state.vcpu(vcpu);
    if (value !== cr0) this.fail('CR0 read back', hex(cr0), hex(value));
  }

  #judgeIoctl(effect: Effect | undefined): void {
    const seen = this.#record.result;
    if (this.#step === undefined || seen === undefined) return;
    const { author, model } = ioctlExpectation(this.#step, this.#taken, effect);
    const expected = author ?? model;
    if (expected === undefined) return;
    this.checks.ioctls++;
    if (seen !== expected) this.fail('ioctl', expected, seen);
    if (model !== undefined && model !== expected)
      this.fail('model', `${expected} (the scenario's own claim)`, model);
  }

  #judgeInit(): void {
    if (this.#step?.do !== 'init') return;
    this.checks.msrs++;
    const { vcpu } = this.#step;
    const { cr0 } = this.#model.state.vcpu(vcpu);
    const value = judgeInit(this.#step, this.#record, { cr0, rules: this.policy.msrs, fail: this.fail });
    if (value !== cr0) this.#noteAll(this.#model.apply({ kind: 'cr0', vcpu, value, by: 'host' }));
  }

  /** Hold what KVM says of itself against what its kernel must say. */
  #judgeAnswer(): void {
    const { value } = this.#record;
    if (this.#step?.do !== 'ask' || value === undefined) return;
    this.checks.ioctls++;
    const fault = answerFault(this.#step, value, this.held);
    if (fault !== undefined) this.fail('answer of KVM', fault.expected, hex(value), { why: fault.why });
  }

  #judgeClaim(): void {
    const step = this.#step;
    if (step !== undefined && 'claims' in step && step.claims !== undefined)
      judgeClaim(step.claims, this.policy, this.#model.leafReached(this.#taken.event), this.fail);
  }

  #judgeEffective(): void {
    const step = this.#step;
    if (step?.do !== 'access') return;
    const gfn = gfnOf(step.gpa);
    const view = {
      pat: this.#pat.get(step.vcpu),
      modelPat: this.#model.rdmsr(step.vcpu, MSR.PAT),
      seen: this.#leaves.seenAt(gfn),
      leaf: this.#model.leafAt(gfn),
    };
    judgeEffective(step.pat, view, this);
    judgeWalk(this.#record.walk, step, view, this);
  }
}
