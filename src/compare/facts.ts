import { msrName } from '../arch/msrs.js';
import { gfnOf, levelBase } from '../arch/units.js';
import { evidenceOf, type Move, type SeenLeaf, show } from '../check/evidence/index.js';
import { splatsIn } from '../check/kernel-log.js';
import { SeenLeaves } from '../check/leaves/seen-leaves.js';
import type { Environment, Recording, StepRecord } from '../recording/recording.js';
import { describeStep } from '../scenario/describe.js';
import type { Scenario, Step } from '../scenario/types.js';
import { type Place, Situation } from './situation.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** What of a kernel's doings is compared. */
export type What =
  | 'leaf' // type and IPAT of the leaf that an access went through
  | 'size' // its level
  | 'rights' // whether it may be written
  | 'zap' // whether a leaf that was there stays through a step
  | 'zap of everything'
  | 'leaf of L2'
  | 'fault of L2' // whether L2's access had a leaf made
  | 'own leaf' // leaves of the guest's own pages, as a set
  | 'number of leaves'
  | 'trace' // what no kernel does
  | 'msr' // whether an access to an MSR, or to CR0, goes through
  | 'value'
  | 'ioctl'
  | 'answer'
  | 'exit' // of an MSR access, to the VMM
  | 'restored' // MSRs that a VMM saves and restores
  | 'record' // any other field of what a step gave
  | 'dirty log'
  | 'warning';

/** One thing that was seen. */
export interface Fact {
  what: What;
  /** From 1; 0 is the guest's start, and what is told of the whole. */
  step: number;
  stepText: string;
  vcpu?: number;
  gfn?: number;
  /** In which situation, in words. */
  where: string;
  /** What else there was of that situation that is out of the ordinary. */
  conditions?: readonly string[];
  value: string;
  /** The value by what it comes of, if that is known. */
  meaning?: string;
}

/** Of these there may be several in a step. */
const KEYED_BY_TEXT: readonly What[] = ['trace', 'warning', 'record', 'exit'];

/** Facts by what both sides must have to be compared. */
export type Facts = ReadonlyMap<string, Fact>;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const SIZES = ['', '4K', '2M', '1G'];
const LEVELS = [1, 2, 3] as const;

const typeText = ({ type, ipat }: SeenLeaf): string => `${type} IPAT=${ipat ? 1 : 0}`;

/** What a field of a record says, for people. */
const FIELDS: Partial<
  Record<keyof StepRecord, readonly [What, (value: never, record: StepRecord) => string]>
> = {
  ok: ['msr', (ok: boolean, { vector }) => (ok ? 'done' : `refused (vector ${vector ?? 'none'})`)],
  value: ['value', hex],
  result: ['ioctl', String],
  dirty: ['dirty log', (pages: readonly number[]) => `pages ${pages.join(' ') || 'none'}`],
};

/** Told of otherwise, or by another field. */
const NO_FIELDS: readonly string[] = ['step', 'events', 'leaves', 'vector', 'exits', 'restored'];

const plain = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? hex(one) : one))
    .replaceAll('"', '')
    .replaceAll(',', ', ');

/** What a step's record says of itself; a field that is not known here is told by its name. */
function answerFacts(step: Step, record: StepRecord): Answer[] {
  const text = describeStep(step).replace(/^vCPU \d+: /, '');
  const fields = Object.entries(record).filter(
    ([field, value]) => value !== undefined && !NO_FIELDS.includes(field),
  );
  return fields.map(([field, value]) => {
    if (step.do === 'ask') return ['answer', text, hex(value)];
    const [what, toText] = FIELDS[field as keyof StepRecord] ?? [];
    if (what === undefined || toText === undefined) return ['record', `${text}: ${field}`, plain(value)];
    return [what, text, toText(value as never, record)];
  });
}

type Answer = readonly [What, where: string, value: string];

/** Each exit by its access: of an access there is one, or none. */
function exitFacts({ exits = [] }: StepRecord): Answer[] {
  return exits.map(({ vcpu, msr, write, reason }) => {
    const access = write === undefined ? 'read of' : `write of ${hex(write)} to`;
    return ['exit', `vCPU ${vcpu}’s ${access} ${msrName(msr) ?? `MSR ${hex(msr)}`}`, reason];
  });
}

function restoredFacts({ restored }: StepRecord): Answer[] {
  if (restored === undefined) return [];
  const { saved, written, odd } = restored;
  const kept = odd.length === 0 ? '' : `, ${odd.length} not kept`;
  return [['restored', 'MSRs that a VMM saves and restores', `${saved} read, ${written} written${kept}`]];
}

/** Follows one recording and notes what is to be compared. Knows no policy. */
class Watcher {
  readonly facts = new Map<string, Fact>();
  readonly #seen = new SeenLeaves();
  readonly #own = new Map<number, Set<string>>();
  readonly #situation: Situation;
  #step: Step | undefined;
  #at = 0;

  constructor(
    readonly scenario: Scenario,
    readonly recording: Ran,
    readonly env: Environment,
  ) {
    this.#situation = new Situation(scenario, env);
  }

  watch(): Facts {
    for (const record of this.recording.steps) {
      this.#step = this.scenario.steps[record.step];
      if (this.#step?.do === 'together') break; // what comes of it is chance, and all that follows
      this.#at = record.step + 1;
      this.#watchStep(record);
    }
    for (const [gfn, texts] of this.#own)
      this.#note('own leaf', 'the guest’s own pages', [...texts].sort().join(' and '), { step: 0, gfn });
    this.#warnings();
    return this.facts;
  }

  #note(what: What, where: string, value: string, o: Partial<Fact> = {}): void {
    const step = this.#step;
    const fact: Fact = {
      what,
      step: this.#at,
      stepText: step === undefined ? 'guest start' : describeStep(step),
      ...(step !== undefined && 'vcpu' in step && { vcpu: step.vcpu }),
      where,
      value,
      ...o,
    };
    this.facts.set(`${fact.step} ${what} ${fact.gfn ?? (KEYED_BY_TEXT.includes(what) ? where : '')}`, fact);
  }

  #isOwn(gfn: number): boolean {
    return this.recording.infra.some((own) => gfn >= own.gfn && gfn < own.gfn + own.npages);
  }

  #watchStep(record: StepRecord): void {
    const step = this.#step;
    const before = this.#seen.all().filter(({ gfn }) => !this.#isOwn(gfn));
    const change = step === undefined ? undefined : this.#situation.change(step);
    const seen = evidenceOf(this.env).read(record);
    for (const move of seen?.moves ?? []) this.#apply(move);
    if (seen !== undefined && evidenceOf(this.env).tellsZaps && change !== undefined)
      this.#zaps(before, change);
    if (seen?.counts !== undefined)
      this.#note('number of leaves', change?.where ?? 'the guest’s start', seen.counts.join(' + '));
    if (step === undefined) return;
    if (step.do === 'access') this.#access(step);
    const answers = [...answerFacts(step, record), ...exitFacts(record), ...restoredFacts(record)];
    for (const [what, where, value] of answers) this.#note(what, where, value);
    this.#situation.take(step, record);
  }

  #zaps(before: readonly SeenLeaf[], change: Place): void {
    for (const { gfn, level } of before) {
      const stays = this.#seen.get(gfn, level) !== undefined;
      this.#note('zap', change.where, stays ? 'stays' : 'zapped', { gfn, ...change });
    }
  }

  #apply(move: Move): void {
    if (move.kind === 'zap-all') {
      for (const leaf of this.#seen.all()) this.#seen.delete(leaf);
      this.#note('zap of everything', 'all roots dropped', 'done');
    } else if (move.kind === 'zap') this.#seen.delete(move.leaf);
    else if (move.kind === 'stray') this.#note('trace', move.text, 'seen', { gfn: move.gfn });
    else if (move.kind === 'shadow') this.#setShadow(move.leaf);
    else this.#set(move.leaf);
  }

  #setShadow(leaf: SeenLeaf): void {
    const { gfn } = leaf;
    this.#note('leaf of L2', 'a leaf of L2', show(leaf), { gfn });
    this.#note('fault of L2', 'an access of L2', 'makes a leaf', { gfn });
  }

  #set(leaf: SeenLeaf): void {
    if (leaf.level > 1)
      for (const small of this.#seen.all())
        if (small.level < leaf.level && levelBase(small.gfn, leaf.level) === leaf.gfn)
          this.#seen.delete(small);
    this.#seen.set(leaf);
    if (!this.#isOwn(leaf.gfn) || !this.#hasTypes) return;
    const texts = this.#own.get(leaf.gfn) ?? new Set();
    this.#own.set(leaf.gfn, texts.add(typeText(leaf)));
  }

  /** Without EPT the bits of types mean something else. */
  get #hasTypes(): boolean {
    return this.env.paging === 'ept';
  }

  #access({ vcpu, gpa }: Extract<Step, { do: 'access' }>): void {
    const gfn = gfnOf(gpa);
    const leaf = LEVELS.map((level) => this.#seen.get(levelBase(gfn, level), level)).find(Boolean);
    if (leaf === undefined) return;
    const place = this.#situation.memory(vcpu, gpa);
    const isMtrr = leaf.type === this.#situation.mtrrType(vcpu, gfn) && !leaf.ipat;
    const facts: [What, string][] = [
      ...(this.#hasTypes ? [['leaf', typeText(leaf)] as [What, string]] : []),
      ['size', SIZES[leaf.level] ?? ''],
      ['rights', leaf.writable ? 'writable' : 'read-only'],
    ];
    for (const [what, value] of facts)
      this.#note(what, place.where, value, {
        gfn,
        ...place,
        ...(what === 'leaf' && isMtrr && { meaning: 'the guest’s MTRR type' }),
      });
  }

  #warnings(): void {
    for (const { step, lines } of splatsIn(this.recording.kernelLog?.lines ?? [])) {
      const [first = ''] = lines;
      // Line numbers and offsets differ between builds of one source.
      const text = /^WARNING: .* (\w+)\+0x/.exec(first)?.[1] ?? first.replace(/\d+/g, 'N');
      this.#note('warning', text, 'given', { step: step + 1, stepText: '' });
    }
  }
}

/** What was seen of a scenario, step by step. */
export const factsOf = (scenario: Scenario, recording: Ran, env: Environment): Facts =>
  new Watcher(scenario, recording, env).watch();
