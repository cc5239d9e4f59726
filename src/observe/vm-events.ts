import { GFN_LIMIT } from '../arch/units.js';
import { TraceError } from './events.js';

/** When, and on which thread of the host. */
interface Moment {
  /** Microseconds since the host started. */
  readonly at: number;
  readonly tid: number;
}

/** What a VM is known by: the address of its `struct kvm`, in hexadecimal. */
interface OfVm {
  readonly kvm: string;
}

/** What happens to any VM of the host, as our probes tell it. */
export type VmEvent = Moment &
  (
    | (OfVm &
        (
          | { kind: 'create' | 'load'; vcpu: number }
          /** `teardown`: the monitor's memory goes, and all leaves with it. */
          | { kind: 'destroy' | 'flush' | 'teardown' }
          /** The type of a page is asked for: a fault of this vCPU is about to map it. */
          | { kind: 'decide'; vcpu: number; gfn: number; mmio: boolean }
          | { kind: 'msr'; vcpu: number; msr: number; value: bigint; byHost: boolean }
          | { kind: 'cr0'; vcpu: number; value: bigint }
          | { kind: 'dma'; delta: 1 | -1 }
          | { kind: 'quirks'; cap: 'quirks' | 'quirks2'; mask: number }
          | { kind: 'zap'; start: number; end: number }
        ))
    /** A leaf comes, goes or changes. The tracepoint does not tell of which VM. */
    | { kind: 'change'; smm: boolean; gfn: number; level: number; old: bigint; new: bigint }
    /** The call that `zap` began on this thread is over. */
    | { kind: 'zapped' }
    /** kvm_mmu_zap_all_fast(), of the VM that this thread works for. */
    | { kind: 'zap-all' }
    /** From here on the kernel tells of these VMs alone; of all if there are none. Our own mark. */
    | { kind: 'only'; kvms: readonly string[] }
  );

/** What one look at the trace gave: all events since the one before, and how many of them the kernel dropped, at least. */
export interface VmTrace {
  readonly events: readonly VmEvent[];
  readonly lost: number;
}

/** Stands in a recording where a look begins. */
export const LOOK_MARK = '# look\n';

const LINE = /-(\d+)\s+\[\d+\]\s+\S+\s+(\d+)\.(\d{6}): (\w+): (.*)$/;
/** The kernel says no number where it does not know it (print_trace_line()). */
const LOST = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]/;
const FIELD = /(\w+)=(\S+)/g;
const CHANGE = /^as id (\d+) gfn ([\da-f]+) level (\d+) old_spte ([\da-f]+) new_spte ([\da-f]+)$/;

const ONLY = /^only( 0x[\da-f]{1,16})*$/;

const KVM_CAP_DISABLE_QUIRKS = 116;

type Of<K extends VmEvent['kind']> = Extract<VmEvent, { kind: K }>;

/** The fields of one event, each read as what it must be. */
class Fields {
  readonly #fields: Map<string, string>;

  constructor(
    readonly line: string,
    readonly body: string,
  ) {
    this.#fields = new Map(
      [...body.matchAll(FIELD)].map(([, name, value]) => [name as string, value as string]),
    );
  }

  #wrong(): TraceError {
    return new TraceError(`cannot read this line of the trace: ${this.line.slice(0, 200)}`);
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    if (value === undefined || !/^(0x[\da-f]{1,16}|\d{1,20})$/.test(value)) throw this.#wrong();
    return value;
  }

  big = (name: string): bigint => BigInt(this.text(name));
  num = (name: string): number => Number(this.text(name));

  /** A frame: KVM gives the highest number that it can for "to the end". */
  frame = (name: string): number => Math.min(this.num(name), GFN_LIMIT);

  only(): string[] {
    if (!ONLY.test(this.body)) throw this.#wrong();
    return this.body.split(' ').slice(1);
  }

  gfn(gfn = this.num('gfn')): number {
    if (gfn >= GFN_LIMIT) throw this.#wrong();
    return gfn;
  }

  /** Of kvmmmu:kvm_tdp_mmu_spte_changed, whose fields have another form; address space 1 is that of system management mode. */
  change(): Pick<Of<'change'>, 'smm' | 'gfn' | 'level' | 'old' | 'new'> {
    const [, space, gfn, level, old, made] = CHANGE.exec(this.body) ?? [];
    if (space === undefined || Number(level) < 1 || Number(level) > 5) throw this.#wrong();
    return {
      smm: space === '1',
      gfn: this.gfn(Number.parseInt(gfn ?? '', 16)),
      level: Number(level),
      old: BigInt(`0x${old}`),
      new: BigInt(`0x${made}`),
    };
  }
}

type Body = VmEvent extends infer E ? (E extends Moment ? Omit<E, keyof Moment> : never) : never;

/** How the fields of each event are read, by the name of its probe. */
const READERS: Readonly<Record<string, (f: Fields) => Body>> = {
  create: (f) => ({ kind: 'create', kvm: f.text('kvm'), vcpu: f.num('vcpu') }),
  load: (f) => ({ kind: 'load', kvm: f.text('kvm'), vcpu: f.num('vcpu') }),
  destroy: (f) => ({ kind: 'destroy', kvm: f.text('kvm') }),
  teardown: (f) => ({ kind: 'teardown', kvm: f.text('kvm') }),
  flush: (f) => ({ kind: 'flush', kvm: f.text('kvm') }),
  decide: (f) => ({
    kind: 'decide',
    kvm: f.text('kvm'),
    vcpu: f.num('vcpu'),
    gfn: f.gfn(),
    mmio: f.num('mmio') !== 0,
  }),
  kvm_tdp_mmu_spte_changed: (f) => ({ kind: 'change', ...f.change() }),
  msr: (f) => ({
    kind: 'msr',
    kvm: f.text('kvm'),
    vcpu: f.num('vcpu'),
    msr: f.num('index'),
    value: f.big('data'),
    byHost: f.num('host') !== 0,
  }),
  cr0: (f) => ({ kind: 'cr0', kvm: f.text('kvm'), vcpu: f.num('vcpu'), value: f.big('value') }),
  dma_add: (f) => ({ kind: 'dma', kvm: f.text('kvm'), delta: 1 }),
  dma_del: (f) => ({ kind: 'dma', kvm: f.text('kvm'), delta: -1 }),
  quirks: (f) => ({
    kind: 'quirks',
    kvm: f.text('kvm'),
    cap: f.num('cap') === KVM_CAP_DISABLE_QUIRKS ? 'quirks' : 'quirks2',
    mask: Number(f.big('mask') & 0xffff_ffffn),
  }),
  zap: (f) => ({ kind: 'zap', kvm: f.text('kvm'), start: f.frame('start'), end: f.frame('end') }),
  zapped: () => ({ kind: 'zapped' }),
  kvm_mmu_zap_all_fast: () => ({ kind: 'zap-all' }),
  tracing_mark_write: (f) => ({ kind: 'only', kvms: f.only() }),
};

/**
 * Read what the probes of VmObserver gave in one look.
 * @throws TraceError if a line makes no sense
 */
export function parseVmTrace(text: string): VmTrace {
  const events: VmEvent[] = [];
  let lost = 0;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const gap = LOST.exec(line);
    if (gap !== null) {
      lost += Number(gap[1] ?? 1);
      continue;
    }
    const [, tid, seconds, micros, name = '', fields = ''] = LINE.exec(line) ?? [];
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (read === undefined) throw new TraceError(`cannot read this line of the trace: ${line.slice(0, 200)}`);
    const at = Number(seconds) * 1e6 + Number(micros);
    events.push({ at, tid: Number(tid), ...read(new Fields(line, fields)) } as VmEvent);
  }
  return { events, lost };
}
