import {
  type Effect,
  ERRATA,
  type ErratumId,
  effectiveType,
  type Leaf,
  type Policy,
  patType,
  type Rule,
  VmModel,
} from '../memtype/index.js';
import type { TraceEvent } from '../observe/events.js';
import { decodeLeaf } from '../observe/spte.js';
import { describeStep } from '../scenario/describe.js';
import { MSR, memTypeName } from '../scenario/msrs.js';
import { type Claims, GUEST_MAXPHYADDR, type Scenario, type Step } from '../scenario/types.js';
import { gfnOf, isDropped, startEvents, stepEvent } from './model-events.js';
import type { Environment, GfnRange, Recording, StepRecord } from './recording.js';
import type { Checks, Mismatch, Note, Verdict } from './verdict.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** A leaf as it was seen. */
interface Seen {
  level: number;
  type: string;
  ipat: boolean;
}

const noChecks = (): Checks => ({ leaves: 0, zaps: 0, kept: 0, msrs: 0, effective: 0 });
const pagesOf = (level: number): number => 512 ** (level - 1);
const show = (leaf: { type: string; ipat: boolean }): string => `${leaf.type} IPAT=${leaf.ipat ? 1 : 0}`;
const short = (leaf: { type: string; ipat: boolean }): string => `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Holds one recording against the model of one policy, step by step. */
class Judge {
  readonly checks = noChecks();
  readonly mismatches: Mismatch[] = [];
  readonly notes = new Map<string, Note>();
  readonly #model: VmModel;
  /** What the guest's own MSR accesses see: another state where the VMM keeps writes to itself. */
  readonly #guestView: VmModel;
  readonly #seen = new Map<number, Seen>();
  readonly #buried = new Set<number>();
  readonly #pat = new Map<number, bigint>();
  #record: StepRecord = { step: -1 };
  #step: Step | undefined;

  constructor(
    readonly scenario: Scenario,
    readonly recording: Ran,
    readonly policy: Policy,
    quirks: number,
  ) {
    this.#model = new VmModel(policy, {
      vcpus: scenario.vcpus,
      maxphyaddr: GUEST_MAXPHYADDR,
      quirksSupported: quirks,
    });
    for (const event of startEvents(scenario)) this.#model.apply(event);
    this.#guestView = scenario.msrMode === 'filter-drop' ? this.#model.clone() : this.#model;
  }

  run(): void {
    for (const record of this.recording.steps) {
      this.#record = record;
      this.#step = this.scenario.steps[record.step];
      this.#judgeStep();
    }
  }

  #vcpu(): number {
    return this.#step !== undefined && 'vcpu' in this.#step ? this.#step.vcpu : 0;
  }

  #fail(what: string, expected: string, seen: string, o: { gfn?: number; why?: readonly Rule[] } = {}): void {
    this.mismatches.push({
      step: this.#record.step + 1,
      stepText: this.#step === undefined ? 'guest start' : describeStep(this.#step),
      vcpu: this.#vcpu(),
      ...(o.gfn === undefined ? {} : { gfn: o.gfn }),
      what,
      expected,
      seen,
      why: o.why ?? [],
    });
  }

  #judgeStep(): void {
    const events = this.#record.events ?? [];
    const rest = this.#takeEarlyInfraFaults(events);
    const effect = this.#applyStep(events);
    if (this.#record.events !== undefined) this.#judgeEvents(rest, effect);
    this.#judgeClaim();
    this.#judgeEffective();
    for (const id of effect?.notes ?? []) this.#note(id);
  }

  #note(id: ErratumId): void {
    const erratum = ERRATA.get(id);
    if (erratum !== undefined) this.notes.set(id, { id, kernels: erratum.kernels, text: erratum.title });
  }

  #isInfra(gfn: number): boolean {
    return this.recording.infra.some((r: GfnRange) => gfn >= r.gfn && gfn < r.gfn + r.npages);
  }

  /** Pages that the guest itself uses may fault before the step's change takes effect: hold those against the state before it. */
  #takeEarlyInfraFaults(events: readonly TraceEvent[]): readonly TraceEvent[] {
    let i = 0;
    for (; i < events.length; i++) {
      const event = events[i];
      if (event === undefined || event.kind === 'zap-all') break;
      const leaf = decodeLeaf(event.kind === 'set' ? event.spte : event.new, event.level);
      if (leaf === undefined || !this.#isInfra(event.gfn)) break;
      const expected = this.#model.expectedLeaf(this.#vcpu(), event.gfn);
      if (expected === undefined || !this.#matches(expected, { ...leaf, type: memTypeName(leaf.type) }))
        break;
      this.#meet(event.gfn, event.level, {
        level: event.level,
        type: memTypeName(leaf.type),
        ipat: leaf.ipat,
      });
    }
    return events.slice(i);
  }

  #matches(expected: Leaf, seen: { type: string; ipat: boolean }): boolean {
    return expected.type === 'none' || (expected.type === seen.type && expected.ipat === seen.ipat);
  }

  #isMapped(gfn: number): boolean {
    return this.#model.leafAt(gfn) !== undefined;
  }

  /** Take note of a leaf of the guest's own pages that the model could not foresee. */
  #meet(gfn: number, level: number, seen: Seen): void {
    const known = this.#seen.get(gfn);
    if (known !== undefined && this.#isMapped(gfn)) return;
    this.#model.apply({ kind: 'access', vcpu: this.#vcpu(), gfn, access: 'read', level: level as 1 | 2 | 3 });
    this.#seen.set(gfn, seen);
    this.checks.leaves++;
  }

  #applyStep(events: readonly TraceEvent[]): Effect | undefined {
    const step = this.#step;
    if (step === undefined) return undefined;
    if (step.do === 'rdmsr') this.#judgeRead(step);
    const event = stepEvent(step, this.scenario);
    if (event === undefined) return undefined;
    if (isDropped(step, this.scenario)) {
      this.#judgeWrite(this.#guestView.apply(event));
      return undefined;
    }
    const level = event.kind === 'access' ? levelOf(events, event.gfn) : undefined;
    const effect = this.#model.apply(
      event.kind === 'access' && level !== undefined ? { ...event, level } : event,
    );
    if (step.do === 'wrmsr') this.#judgeWrite(effect);
    if (step.do === 'cd' && step.by === 'guest') this.#judgeCr0(effect);
    return effect;
  }

  #judgeWrite(effect: Effect): void {
    const expected = effect.msr === 'ok';
    this.checks.msrs++;
    if (this.#record.ok === expected) return;
    const text = (ok: boolean | undefined): string =>
      ok ? 'accepted' : `refused${this.#record.vector === 13 ? ' (#GP)' : ''}`;
    this.#fail('msr write', expected ? 'accepted' : 'refused (#GP)', text(this.#record.ok));
  }

  #judgeCr0(effect: Effect): void {
    const expected = effect.cr0 !== 'gp';
    this.checks.msrs++;
    const text = (ok: boolean | undefined): string => (ok ? 'accepted' : 'refused (#GP)');
    if (this.#record.ok !== expected) this.#fail('CR0 write', text(expected), text(this.#record.ok));
  }

  #judgeRead(step: Extract<Step, { do: 'rdmsr' }>): void {
    const expected = (step.by === 'guest' ? this.#guestView : this.#model).rdmsr(step.vcpu, step.msr);
    const seen = this.#record.ok ? this.#record.value : undefined;
    if (step.msr === MSR.PAT && seen !== undefined) this.#pat.set(step.vcpu, seen);
    this.checks.msrs++;
    const text = (value: bigint | undefined): string => (value === undefined ? '#GP' : hex(value));
    if (expected !== seen) this.#fail('msr value', text(expected), text(seen));
  }

  #judgeEvents(events: readonly TraceEvent[], effect: Effect | undefined): void {
    const toMake = new Map((effect?.made ?? []).map((leaf) => [leaf.gfn, leaf]));
    const toZap = new Map((effect?.zapped ?? []).map((leaf) => [leaf.gfn, leaf]));
    const zapAll = events.some((e) => e.kind === 'zap-all');
    if (zapAll) this.#buryAll(toZap);
    for (const event of events) this.#judgeEvent(event, toMake, toZap);
    for (const leaf of toMake.values()) this.#fail('leaf', show(leaf), 'no leaf was made', leaf);
    for (const leaf of toZap.values()) this.#fail('zap', `${show(leaf)} zapped`, 'the leaf stayed', leaf);
    if (effect !== undefined && this.#step?.do !== 'access') this.checks.kept += this.#model.leaves().length;
  }

  /** A fast zap invalidates the whole root at once; its leaves go later, some of them on other threads. */
  #buryAll(toZap: Map<number, Leaf>): void {
    for (const gfn of toZap.keys()) {
      this.#seen.delete(gfn);
      this.#buried.add(gfn);
      this.checks.zaps++;
    }
    toZap.clear();
  }

  #judgeEvent(event: TraceEvent, toMake: Map<number, Leaf>, toZap: Map<number, Leaf>): void {
    if (event.kind === 'zap-all') return;
    const after = decodeLeaf(event.kind === 'set' ? event.spte : event.new, event.level);
    const before = event.kind === 'change' ? decodeLeaf(event.old, event.level) : undefined;
    if (after !== undefined) {
      this.#judgeMade(
        event.gfn,
        { level: event.level, type: memTypeName(after.type), ipat: after.ipat },
        toMake,
      );
    } else if (before !== undefined) {
      this.#judgeZap(event.gfn, { type: memTypeName(before.type), ipat: before.ipat }, toZap);
    }
  }

  #judgeZap(gfn: number, old: { type: string; ipat: boolean }, toZap: Map<number, Leaf>): void {
    if (this.#buried.delete(gfn)) return;
    this.#seen.delete(gfn);
    if (toZap.delete(gfn)) {
      this.checks.zaps++;
      return;
    }
    this.#fail('zap', 'the leaf stays', `${show(old)} zapped`, { gfn });
  }

  #judgeMade(gfn: number, seen: Seen, toMake: Map<number, Leaf>): void {
    const known = this.#seen.get(gfn);
    if (
      known !== undefined &&
      known.type === seen.type &&
      known.ipat === seen.ipat &&
      known.level === seen.level
    )
      return;
    const wanted = [...toMake.values()].find(
      (leaf) => leaf.gfn >= gfn && leaf.gfn < gfn + pagesOf(seen.level),
    );
    if (wanted !== undefined) {
      toMake.delete(wanted.gfn);
      this.#compare(gfn, wanted, seen);
      return;
    }
    const expected = this.#model.expectedLeaf(this.#vcpu(), gfn);
    if (this.#isInfra(gfn) && !this.#isMapped(gfn) && expected !== undefined) {
      this.#compare(gfn, expected, seen);
      this.#model.apply({
        kind: 'access',
        vcpu: this.#vcpu(),
        gfn,
        access: 'read',
        level: seen.level as 1 | 2 | 3,
      });
      return;
    }
    this.#seen.set(gfn, seen);
    const stays = this.#model.leafAt(gfn);
    this.#fail('leaf', stays === undefined ? 'no leaf' : `${show(stays)} stays`, `${show(seen)} was made`, {
      gfn,
      why: stays?.why ?? [],
    });
  }

  #compare(gfn: number, expected: Leaf, seen: Seen): void {
    this.#seen.set(gfn, seen);
    this.checks.leaves++;
    if (!this.#matches(expected, seen))
      this.#fail('leaf', show(expected), show(seen), { gfn, why: expected.why });
    if (seen.level > expected.level) {
      this.#fail('mapping level', `at most ${expected.level}`, String(seen.level), {
        gfn,
        why: expected.why,
      });
    }
  }

  /** Hold the model itself against what the scenario's author wrote down for this policy. */
  #judgeClaim(): void {
    const step = this.#step;
    if (step?.do !== 'access' || step.claims === undefined) return;
    const claim = claimFor(step.claims, this.policy);
    const leaf = this.#model.leafAt(gfnOf(step.gpa));
    if (claim === undefined || leaf === undefined || leaf.type === 'none') return;
    if (claim !== short(leaf)) this.#fail('model', `${claim} (the scenario's own claim)`, short(leaf), leaf);
  }

  #judgeEffective(): void {
    const step = this.#step;
    if (step?.do !== 'access') return;
    const pat = this.#pat.get(step.vcpu);
    const seen = this.#seen.get(gfnOf(step.gpa));
    const leaf = this.#model.leafAt(gfnOf(step.gpa));
    const modelPat = this.#model.rdmsr(step.vcpu, MSR.PAT);
    if (
      pat === undefined ||
      seen === undefined ||
      leaf === undefined ||
      leaf.type === 'none' ||
      modelPat === undefined
    )
      return;
    const expected = effectiveType(leaf.type, leaf.ipat, patType(modelPat, step.pat));
    const got = effectiveType(seen.type as typeof leaf.type, seen.ipat, patType(pat, step.pat));
    this.checks.effective++;
    if (expected !== got) this.#fail('effective type', expected, got, leaf);
  }
}

/** What the scenario's author claims for a policy: under its own name, or under that of its era. */
function claimFor(claims: Claims, policy: Policy): string | undefined {
  return claims[policy.name] ?? claims[policy.name.replace(/-.*$/, '')];
}

/** The level at which a step's events show `gfn` mapped; `undefined` if they show no such leaf. */
function levelOf(events: readonly TraceEvent[], gfn: number): 1 | 2 | 3 | undefined {
  for (const event of events) {
    if (event.kind === 'zap-all') continue;
    if (decodeLeaf(event.kind === 'set' ? event.spte : event.new, event.level) === undefined) continue;
    if (gfn >= event.gfn && gfn < event.gfn + pagesOf(event.level) && event.level <= 3)
      return event.level as 1 | 2 | 3;
  }
  return undefined;
}

function statusOf(judge: Judge, scenario: Scenario, env: Environment): Pick<Verdict, 'status' | 'message'> {
  if (judge.mismatches.length > 0) return { status: 'fail' };
  const wantsLeaves = scenario.needs.includes('ept-leaves') && env.paging !== 'shadow';
  if (wantsLeaves && judge.checks.leaves === 0)
    return { status: 'error', message: 'no leaf entry was observed' };
  const { leaves, zaps, msrs } = judge.checks;
  if (leaves + zaps + msrs === 0) return { status: 'error', message: 'nothing was observed' };
  return { status: 'pass' };
}

/**
 * Say whether `recording` is what the model of `policy` expects.
 *
 * Pure: the same recording can be judged under any policy, at any time.
 */
export function judge(scenario: Scenario, recording: Recording, policy: Policy, env: Environment): Verdict {
  if (recording.outcome === 'skip') return { status: 'skip', checks: noChecks(), mismatches: [], notes: [] };
  if (recording.outcome === 'error') {
    const status = recording.timedOut === true ? 'timeout' : 'error';
    return { status, checks: noChecks(), mismatches: [], notes: [], message: recording.message };
  }
  const run = new Judge(scenario, recording, policy, env.quirks);
  run.run();
  return {
    ...statusOf(run, scenario, env),
    checks: run.checks,
    mismatches: run.mismatches,
    notes: [...run.notes.values()],
  };
}
