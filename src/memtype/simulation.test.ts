// Run random VMs in the model and in the dumbest simulation of each era: a table lookup per fault, a loop per zap.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Effect, ModelEvent } from './model/events.js';
import { VmModel } from './model/vm-model.js';
import { policies } from './policies/index.js';
import type { Policy } from './policy.js';

// Mutation testing asks for fewer.
const RUNS = Math.min(2_000, Number(process.env.MODEL_RUNS ?? 2_000));

type Era = 'A' | 'B' | 'C' | 'D' | 'E' | 'A+P2';

const FRAMES = 32;
const SLOT = 8;
const CODES: Record<number, string> = { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB' };

/** One vCPU: the default-type MSR, CR0.CD, and one variable range of 8 frames, by first frame and type. */
interface Cpu {
  def: number;
  cd: boolean;
  first: number;
  type: number;
  valid: boolean;
}

class Dumb {
  cpus: Cpu[] = [0, 1].map(() => ({ def: 0, cd: false, first: 0, type: 0, valid: false }));
  /** Whether each of the four slots of 8 frames exists; the last is host MMIO. */
  slots = [false, false, false, false];
  dma = 0;
  cdQuirk = true;
  patQuirk = true;
  leaves = new Map<number, string>();

  constructor(readonly era: Era) {}

  get old(): boolean {
    return this.era === 'A' || this.era === 'B' || this.era === 'A+P2';
  }

  mtrr(cpu: Cpu, gfn: number): string {
    if ((cpu.def & 0x800) === 0) return 'UC';
    const inside = cpu.valid && gfn >= cpu.first && gfn < cpu.first + 8;
    return CODES[inside ? cpu.type : cpu.def & 0xff] as string;
  }

  leaf(n: number, gfn: number): string {
    const cpu = this.cpus[n] as Cpu;
    if (gfn >= 24) return 'UC';
    if (!this.old) {
      if (this.dma > 0) return 'WB';
      if (this.era === 'C') return 'WB';
      return this.era === 'E' && !this.patQuirk ? 'WB' : 'WB+';
    }
    if (this.dma === 0) return 'WB+';
    if (cpu.cd) return this.cdQuirk ? (this.era === 'B' ? 'WB' : 'WB+') : 'UC+';
    return this.mtrr(this.era === 'A+P2' ? (this.cpus[0] as Cpu) : cpu, gfn);
  }

  zap(from: number, to: number): string[] {
    const gone = [];
    for (let gfn = from; gfn < to; gfn++) if (this.leaves.delete(gfn)) gone.push(`-${gfn}`);
    return gone;
  }

  touch(n: number, gfn: number): string[] {
    if (!this.slots[Math.floor(gfn / SLOT)] || this.leaves.has(gfn)) return [];
    this.leaves.set(gfn, this.leaf(n, gfn));
    return [`+${gfn} ${this.leaves.get(gfn)}`];
  }

  mtrrWritten(n: number, what: 'def' | 'range'): string[] {
    const cpu = this.cpus[n] as Cpu;
    if (!this.old || this.dma === 0 || (this.era === 'A+P2' && n !== 0)) return [];
    if (what === 'def') return this.zap(0, FRAMES);
    return (cpu.def & 0x800) === 0 ? [] : this.zap(cpu.first, cpu.first + 8);
  }

  cd(n: number, value: boolean, byGuest: boolean): string[] {
    const cpu = this.cpus[n] as Cpu;
    const toggled = cpu.cd !== value;
    cpu.cd = value;
    return toggled && byGuest && this.old && this.dma > 0 && !this.cdQuirk ? this.zap(0, FRAMES) : [];
  }

  device(delta: number): string[] {
    if (this.dma + delta < 0) return [];
    const before = this.dma;
    this.dma += delta;
    if (before > 0 && this.dma > 0) return [];
    const zaps = this.era === 'B' || this.era === 'D' || (this.era === 'E' && this.patQuirk);
    return zaps ? this.zap(0, FRAMES) : [];
  }

  toggleSlot(n: number): string[] {
    this.slots[n] = !this.slots[n];
    return this.slots[n] ? [] : this.zap(0, FRAMES);
  }
}

/** A step: the events that the model takes, and what the dumb VM does. */
type Step = { events: ModelEvent[]; dumb: (vm: Dumb) => string[] };

const cpu = fc.nat(1);
const code = fc.constantFrom(0, 1, 4, 5, 6);

const touchStep = fc.record({ cpu, gfn: fc.nat(FRAMES - 1) }).map(
  ({ cpu, gfn }): Step => ({
    events: [{ kind: 'access', vcpu: cpu, gfn, access: 'read' }],
    dumb: (vm) => vm.touch(cpu, gfn),
  }),
);

const wrmsr = (vcpu: number, msr: number, value: number, host: boolean): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value: BigInt(value),
  by: host ? 'host' : 'guest',
});

const defStep = fc.record({ cpu, code, flags: fc.constantFrom(0, 0x800, 0x800), host: fc.boolean() }).map(
  ({ cpu, code, flags, host }): Step => ({
    events: [wrmsr(cpu, 0x2ff, flags | code, host)],
    dumb: (vm) => {
      (vm.cpus[cpu] as Cpu).def = flags | code;
      return vm.mtrrWritten(cpu, 'def');
    },
  }),
);

const rangeStep = fc.record({ cpu, code, at: fc.nat(3), valid: fc.boolean(), host: fc.boolean() }).map(
  ({ cpu, code, at, valid, host }): Step => ({
    // The mask first, so that the range has its size when the base is written.
    events: [
      wrmsr(cpu, 0x203, 0xf_ffff_8000 + (valid ? 0x800 : 0), host),
      wrmsr(cpu, 0x202, at * SLOT * 4096 + code, host),
    ],
    dumb: (vm) => {
      const own = vm.cpus[cpu] as Cpu;
      own.valid = valid;
      const first = vm.mtrrWritten(cpu, 'range');
      own.first = at * SLOT;
      own.type = code;
      return [...first, ...vm.mtrrWritten(cpu, 'range')];
    },
  }),
);

const cdStep = fc.record({ cpu, on: fc.boolean(), guest: fc.boolean() }).map(
  ({ cpu, on, guest }): Step => ({
    events: [
      { kind: 'cr0', vcpu: cpu, value: on ? 0xc000_0001n : 0x8000_0001n, by: guest ? 'guest' : 'host' },
    ],
    dumb: (vm) => vm.cd(cpu, on, guest),
  }),
);

const dmaStep = fc
  .constantFrom(1 as const, -1 as const)
  .map((delta): Step => ({ events: [{ kind: 'noncoherent', delta }], dumb: (vm) => vm.device(delta) }));

const quirkStep = fc.constantFrom(2, 0x200).map(
  (mask): Step => ({
    events: [{ kind: 'disable-quirks', mask }],
    dumb: (vm) => {
      if (vm.era !== 'E' && mask === 0x200) return [];
      if (mask === 2) vm.cdQuirk = false;
      else vm.patQuirk = false;
      return [];
    },
  }),
);

const discardStep = fc.record({ gfn: fc.nat(FRAMES - 1), npages: fc.nat(8) }).map(
  ({ gfn, npages }): Step => ({
    events: [0, 1, 2, 3].map((memory) => ({
      kind: 'host-memory',
      op: 'discard',
      memory,
      first: gfn - memory * SLOT,
      npages,
    })),
    dumb: (vm) => vm.zap(gfn, gfn + npages),
  }),
);

const patStep = cpu.map(
  (vcpu): Step => ({ events: [wrmsr(vcpu, 0x277, 0x0706_0504, false)], dumb: () => [] }),
);

const SLOTS = Symbol('slot');
const slotStep = fc.nat(3).map((n) => ({ [SLOTS]: n }));

const step = fc.oneof(
  { weight: 8, arbitrary: touchStep },
  { weight: 2, arbitrary: defStep },
  { weight: 3, arbitrary: rangeStep },
  { weight: 2, arbitrary: cdStep },
  { weight: 2, arbitrary: dmaStep },
  { weight: 1, arbitrary: quirkStep },
  { weight: 1, arbitrary: discardStep },
  { weight: 1, arbitrary: patStep },
  { weight: 1, arbitrary: slotStep },
);

const slotEvent = (n: number, npages: number): ModelEvent => ({
  kind: 'memslot',
  slot: n,
  gfn: n * SLOT,
  npages,
  backing: n === 3 ? 'mmio' : 'ram',
  flags: 0,
});

const told = (effects: Effect[]): string[] =>
  effects.flatMap(({ made, zapped }) => [
    ...zapped.map(({ gfn }) => `-${gfn}`),
    ...made.map(({ gfn, type, ipat }) => `+${gfn} ${type}${ipat ? '+' : ''}`),
  ]);

/** Compare cheaply, and only then in a way that tells the difference. */
function same(got: string[], want: string[]): void {
  if (got.join() !== want.join()) expect(got).toEqual(want);
}

describe('the state machine agrees with a simulation of each era', { timeout: 600_000 }, () => {
  it.each(['A', 'B', 'C', 'D', 'E', 'A+P2'] as const)('%s, 2,000 random VMs', (era) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const model = new VmModel(policies.get(era) as Policy, { vcpus: 2 });
        const dumb = new Dumb(era);
        for (const n of [0, 1, 3]) {
          model.apply(slotEvent(n, SLOT));
          dumb.slots[n] = true;
        }
        for (const one of steps) {
          if (SLOTS in one) {
            const n = one[SLOTS];
            const effect = model.apply(slotEvent(n, dumb.slots[n] ? 0 : SLOT));
            same(told([effect]), dumb.toggleSlot(n));
            continue;
          }
          const effects = one.events.map((event) => model.apply(event));
          same(told(effects), one.dumb(dumb));
        }
        const kept = model.leaves().map(({ gfn, type, ipat }) => `${gfn} ${type}${ipat ? '+' : ''}`);
        same(
          kept,
          [...dumb.leaves].sort(([a], [b]) => a - b).map(([gfn, type]) => `${gfn} ${type}`),
        );
      }),
      { numRuns: RUNS },
    );
  });
});
