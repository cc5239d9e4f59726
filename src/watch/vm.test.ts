import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import type { VmEvent } from '../observe/vm-events.js';
import type { HostFacts } from './registers.js';
import { isAsExpected, reportOf, type VmReport } from './report.js';
import { WatchedVm } from './vm.js';

const KVM = '0xffff888012340000';
const TID = 77;
const ALL = 2 ** 40;

const host = (policy: string): HostFacts => ({
  policy: findPolicy(policy),
  maxphyaddr: 39,
  selfSnoop: true,
  quirks: findPolicy(policy).quirks.supported,
});

type Bare = VmEvent extends infer E ? (E extends VmEvent ? Omit<E, 'at' | 'tid' | 'kvm'> : never) : never;

/** A VM that is told of events, one a microsecond, on one thread unless told. */
class Story {
  readonly vm: WatchedVm;
  #at = 0;

  constructor(policy: string, fromStart = true) {
    this.vm = new WatchedVm(host(policy), fromStart);
  }

  and(event: Bare, tid = TID): this {
    this.vm.apply({ at: ++this.#at, tid, kvm: KVM, ...event } as VmEvent);
    return this;
  }

  /** A fault maps a page. */
  fault(gfn: number, spte: bigint, { level = 1, mmio = false, vcpu = 0, old = 0n } = {}): this {
    this.and({ kind: 'decide', vcpu, gfn, mmio });
    return this.and({ kind: 'change', smm: false, gfn, level, old, new: spte });
  }

  zap(gfn: number, spte: bigint, level = 1, tid = TID): this {
    return this.and({ kind: 'change', smm: false, gfn, level, old: spte, new: 0x5a0n }, tid);
  }

  msr(msr: number, value: bigint, byHost = false): this {
    return this.and({ kind: 'msr', vcpu: 0, msr, value, byHost });
  }

  /** A call of kvm_zap_gfn_range() in which these leaves go. */
  call(start: number, end: number, leaves: readonly [number, bigint][]): this {
    this.and({ kind: 'zap', start, end });
    for (const [gfn, spte] of leaves) this.zap(gfn, spte);
    return this.and({ kind: 'zapped' });
  }

  get report(): VmReport {
    return reportOf(this.vm);
  }
}

const WB_IPAT = 0x877n;
const WB = 0x837n;
const UC = 0x807n;
const HUGE = 0x80n;
const DEF_TYPE = 0x2ff;

test('leaves are as the model expects, and neighbours are one row of the map', () => {
  const { report } = new Story('6.1')
    .fault(0, WB_IPAT)
    .fault(1, WB_IPAT)
    .fault(512, WB_IPAT | HUGE, { level: 2 });

  expect(report.verdict).toEqual({ right: 3, untold: 0, wrong: 0, sentences: [] });
  expect(report.map).toEqual([
    { start: 0, end: 2, level: 1, type: 'WB', ipat: true, mmio: false },
    { start: 512, end: 1024, level: 2, type: 'WB', ipat: true, mmio: false },
  ]);
  expect(report.patIgnored).toBe(514);
  expect(isAsExpected(report)).toBe(true);
});

test('a leaf of another type is told with what was expected', () => {
  const { vm, report } = new Story('6.1').fault(3, WB);

  expect(report.verdict).toMatchObject({
    wrong: 1,
    sentences: ['gfn 0x3, level 1, by vCPU 0: expected WB, IPAT 1; seen WB, IPAT 0'],
  });
  expect(vm.takeNotes()).toMatchObject([{ kind: 'wrong', vcpu: 0 }]);
  expect(isAsExpected(report)).toBe(false);
});

test('6.1: with non-coherent DMA leaves follow the MTRRs, and the write of the default type zaps', () => {
  const story = new Story('6.1').and({ kind: 'dma', delta: 1 }).fault(0, UC).msr(DEF_TYPE, 0xc06n);
  const { vm, report } = story
    .call(0, ALL, [[0, UC]])
    .msr(0x250, 0x0606_0606_0606_0606n)
    .call(0, 0x80, [])
    .fault(0, WB);

  expect(report.verdict).toMatchObject({ right: 2, wrong: 0 });
  expect(report.zaps).toEqual([
    { cause: 'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0', calls: 1, leaves: 1, us: 2 },
    { cause: 'MSR 0x250 (IA32_MTRR_FIX64K_00000), by vCPU 0', calls: 1, leaves: 0, us: 1 },
  ]);
  expect(report.missingZaps).toEqual([]);
  expect(vm.takeNotes().map(({ text }) => text)).toEqual([
    'non-coherent DMA comes: 1 device',
    'vCPU 0: MSR 0x2ff (IA32_MTRR_DEF_TYPE) 0x0 to 0xc06',
    'zap of 1 leaf in 2 µs: MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0',
    'vCPU 0: MSR 0x250 (IA32_MTRR_FIX64K_00000) 0x0 to 0x606060606060606',
    'zap of 0 leaves in 1 µs: MSR 0x250 (IA32_MTRR_FIX64K_00000), by vCPU 0',
  ]);
});

test.each([
  [TID, 1],
  [8, 0],
])('a fault that met a change on thread %s may have come before it: %s wrong', (tid, wrong) => {
  const story = new Story('6.1')
    .and({ kind: 'dma', delta: 1 })
    .and({ kind: 'decide', vcpu: 0, gfn: 0, mmio: false });
  story.and({ kind: 'msr', vcpu: 0, msr: DEF_TYPE, value: 0x806n, byHost: false }, tid);

  story.and({ kind: 'change', smm: false, gfn: 0, level: 1, old: 0n, new: UC });

  expect(story.report.verdict.wrong).toBe(wrong);
});

test('a zap that the model expects and that does not come is told', () => {
  const story = new Story('6.1').and({ kind: 'dma', delta: 1 }).msr(DEF_TYPE, 0xc06n).msr(DEF_TYPE, 0xc06n);

  expect(story.report.missingZaps).toEqual([
    'MSR 0x2ff (IA32_MTRR_DEF_TYPE), by vCPU 0 should have zapped all frames',
  ]);
  expect(isAsExpected(story.report)).toBe(false);
});

test('a refused write changes nothing, and is told', () => {
  const { vm } = new Story('6.1').msr(DEF_TYPE, 0xc02n);

  expect(vm.takeNotes()).toMatchObject([
    { text: 'vCPU 0: MSR 0x2ff (IA32_MTRR_DEF_TYPE) 0x0 to 0xc02: refused' },
  ]);
  expect(vm.registers.vcpu(0).mtrr.enabled).toBe(false);
});

test('6.1: leaves from before a device came are stale, by erratum s1', () => {
  const story = new Story('6.1').fault(0, WB_IPAT).fault(1, WB_IPAT).msr(DEF_TYPE, 0x806n);
  const { report } = story.and({ kind: 'dma', delta: 1 }).fault(2, WB);

  expect(report.stale).toEqual([
    {
      ...{ leaves: 2, start: 0, end: 2, type: 'WB', ipat: true },
      now: { type: 'WB', ipat: false },
      since: 'non-coherent DMA comes: 1 device',
      erratum: 's1',
    },
  ]);
});

test('7.2: only IPAT changes when a device comes, and all leaves go first', () => {
  const story = new Story('7.2')
    .fault(0, WB_IPAT)
    .and({ kind: 'dma', delta: 1 })
    .call(0, ALL, [[0, WB_IPAT]]);
  const { report } = story.msr(DEF_TYPE, 0xc00n).fault(0, WB);

  expect(report.verdict).toMatchObject({ right: 2, wrong: 0 });
  expect(report.zaps).toMatchObject([{ cause: 'non-coherent DMA comes: 1 device', calls: 1, leaves: 1 }]);
  expect(report.stale).toEqual([]);
  expect(report.disagree).toEqual([{ start: 0, end: 1, mtrr: 'UC', type: 'WB', ipat: false }]);
});

test('7.2: a quirk that is disabled makes what is there stale, by erratum s3; an unknown one is refused', () => {
  const story = new Story('7.2').fault(0, WB_IPAT).and({ kind: 'quirks', cap: 'quirks2', mask: 0x10200 });
  expect(story.report.stale).toEqual([]);

  story.and({ kind: 'quirks', cap: 'quirks2', mask: 0x200 });

  expect(story.report.stale).toMatchObject([{ leaves: 1, erratum: 's3' }]);
});

test('a memslot that goes drops all leaves at once; what is cleared later is not what came meanwhile', () => {
  const story = new Story('6.1').fault(0, WB_IPAT).and({ kind: 'flush' }).and({ kind: 'zap-all' });
  expect(story.report.leaves).toBe(0);

  story.fault(0, WB_IPAT).zap(0, WB_IPAT, 1, 9);
  expect(story.report.leaves).toBe(1);
  story.zap(0, WB_IPAT, 1, 9);

  expect(story.report.leaves).toBe(0);
  expect(story.report.zaps).toMatchObject([
    { cause: 'a memslot goes or moves', leaves: 1 },
    { cause: 'KVM or the host’s memory', leaves: 1 },
  ]);
});

test('what a VM was like stays when its monitor goes', () => {
  const { report } = new Story('6.1').fault(0, WB_IPAT).and({ kind: 'teardown' }).zap(0, WB_IPAT);

  expect(report).toMatchObject({ leaves: 1, zaps: [] });
});

test('a huge leaf that gives way to a table is split, and its parts are as old as it is', () => {
  const huge = WB_IPAT | HUGE;
  const story = new Story('7.2').fault(512, huge, { level: 2 });
  story.and({ kind: 'change', smm: false, gfn: 512, level: 2, old: huge, new: 0x807n });

  expect(story.report.map).toMatchObject([{ start: 512, end: 1024, level: 1 }]);
});

test('host MMIO is UC, and a leaf that KVM makes by itself is not judged', () => {
  const { report } = new Story('7.2')
    .fault(0xfee00, UC, { mmio: true })
    .and({ kind: 'change', smm: false, gfn: 7, level: 1, old: 0n, new: WB_IPAT });

  expect(report.verdict).toMatchObject({ right: 1, untold: 1, wrong: 0 });
  expect(report.map.map(({ mmio }) => mmio)).toEqual([false, true]);
});

test('tables of system management mode are left out', () => {
  const { report } = new Story('6.1').and({ kind: 'change', smm: true, gfn: 7, level: 1, old: 0n, new: WB });

  expect(report).toMatchObject({ smm: 1, leaves: 0 });
});

test('of a VM that ran before, the count of devices is read off a leaf, and what hangs on MTRRs is not judged', () => {
  const old = new Story('6.1', false).fault(0, WB).fault(1, UC);
  const late = new Story('7.2', false).fault(0, WB).fault(1, WB);

  expect(old.report).toMatchObject({ inferred: true, noncoherent: 1, verdict: { right: 0, untold: 2 } });
  expect(late.report).toMatchObject({ inferred: true, noncoherent: 1, verdict: { right: 2, untold: 0 } });
});

test('of a VM that ran before, a zap that would follow from what was not seen is not missed', () => {
  const story = new Story('6.1', false).fault(0, WB).msr(DEF_TYPE, 0xc06n).msr(DEF_TYPE, 0xc06n);

  expect(story.report).toMatchObject({ missingZaps: [], vcpus: [], disagree: [] });
});

test('of a VM that ran before, a register’s value is told once it was seen', () => {
  const { vm } = new Story('6.1', false).msr(0x277, 0x6n).msr(0x277, 0x7n);

  expect(vm.takeNotes().map(({ text }) => text)).toEqual([
    'vCPU 0: MSR 0x277 (IA32_PAT) 0x6',
    'vCPU 0: MSR 0x277 (IA32_PAT) 0x6 to 0x7',
  ]);
});

test('a leaf with IPAT 0 tells of devices also where the first one has IPAT 1: its vCPU may have had CR0.CD=1', () => {
  const { report } = new Story('6.1', false).fault(0, WB_IPAT).fault(1, UC);

  expect(report).toMatchObject({ noncoherent: 1, verdict: { right: 1, untold: 1, wrong: 0 } });
});

test('6.7: the type of a vCPU whose MTRRs were not seen is not judged, also where it is the same with caches off', () => {
  const { report } = new Story('B-6.7', false).fault(0, WB).msr(DEF_TYPE, 0x806n).fault(1, UC);

  expect(report.verdict).toMatchObject({ right: 0, untold: 2, wrong: 0 });
});

test('once events were lost, a VM is no better known than one that ran before', () => {
  const story = new Story('6.1')
    .and({ kind: 'dma', delta: 1 })
    .msr(DEF_TYPE, 0x806n)
    .call(0, ALL, [])
    .fault(0, WB);
  story.msr(DEF_TYPE, 0x806n); // Its zap is lost, and a write of UC to the MTRRs.
  story.vm.loseTrack('lost');
  const { report } = story.fault(1, UC).msr(DEF_TYPE, 0x806n);

  expect(report).toMatchObject({
    ...{ lostTrack: true, noncoherent: 1, vcpus: [], stale: [], missingZaps: [], findings: [] },
    verdict: { right: 1, untold: 1, wrong: 0 },
    map: [{ start: 1, end: 2, type: 'UC' }],
  });
});

test('what is lost after a VM’s end takes nothing from what is known of it', () => {
  const story = new Story('6.1').fault(0, WB_IPAT).and({ kind: 'teardown' });
  story.vm.loseTrack('lost');

  expect(story.report).toMatchObject({ lostTrack: false, leaves: 1 });
});

test('the advice of `check` comes with it', () => {
  const { report } = new Story('6.1').and({ kind: 'dma', delta: 1 }).fault(0, UC);

  expect(report.findings.map(({ rule }) => rule)).toContain('mtrrs-off');
});
