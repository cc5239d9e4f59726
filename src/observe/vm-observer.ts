import { readFileSync } from 'node:fs';
import { HUGE, PRESENT } from './spte.js';
import { TraceGuard } from './trace-guard.js';
import { TraceInstance } from './tracefs.js';

/** Of each CPU: about 25,000 events. */
export const VM_BUFFER_KIB = 2048;
/** Threads that a filter can name: it is one page of text. */
const MOST_TIDS = 64;

/** A probe: a function, what to tell of its arguments, and which calls count. Arguments are in registers (System V ABI, x86-64). */
interface Probe {
  readonly name: string;
  readonly kind: 'p' | 'r';
  /** The function; the first of these that the kernel has. */
  readonly at: readonly string[];
  readonly fields: string;
  readonly filter?: string;
  /** Whether `kvm` is among the fields, and only calls for the VM that is watched count once it is known. */
  readonly ofVm: boolean;
}

const isLeaf = (field: string): string => `(${field} & ${PRESENT} && (level == 1 || ${field} & ${HUGE}))`;

/**
 * Changes of entries are told by a tracepoint: a probe on the function that it stands in costs three times as much, and that is called for
 * each entry of a table that goes. It does not tell the VM.
 */
const CHANGES = {
  event: 'events/kvmmmu/kvm_tdp_mmu_spte_changed',
  filter: `${isLeaf('old_spte')} || ${isLeaf('new_spte')}`,
};

/**
 * `struct kvm_vcpu` begins with its VM, a preempt notifier of three pointers, `int cpu` and `int vcpu_id` (include/linux/kvm_host.h, 6.1 to
 * 7.3; KVM on x86 selects PREEMPT_NOTIFIERS).
 */
const VCPU = 'kvm=+0(%di):x64 vcpu=+36(%di):u32';
const VM = 'kvm=%di:x64';

const PROBES: readonly Probe[] = [
  { name: 'create', kind: 'p', at: ['kvm_arch_vcpu_create'], fields: VCPU, ofVm: false },
  { name: 'destroy', kind: 'p', at: ['kvm_arch_destroy_vm'], fields: VM, ofVm: false },
  { name: 'teardown', kind: 'p', at: ['kvm_arch_flush_shadow_all'], fields: VM, ofVm: true },
  { name: 'flush', kind: 'p', at: ['kvm_arch_flush_shadow_memslot'], fields: VM, ofVm: true },
  {
    name: 'decide',
    kind: 'p',
    at: ['vmx_get_mt_mask'],
    fields: `${VCPU} gfn=%si:x64 mmio=%dx:u8`,
    ofVm: true,
  },
  {
    name: 'msr',
    kind: 'p',
    at: ['vmx_set_msr'],
    fields: `${VCPU} host=+0(%si):u8 index=+4(%si):x32 data=+8(%si):x64`, // struct msr_data
    filter: 'index >= 0x200 && index <= 0x2ff',
    ofVm: true,
  },
  { name: 'cr0', kind: 'p', at: ['vmx_set_cr0'], fields: `${VCPU} value=%si:x64`, ofVm: true },
  { name: 'dma_add', kind: 'p', at: ['kvm_arch_register_noncoherent_dma'], fields: VM, ofVm: true },
  { name: 'dma_del', kind: 'p', at: ['kvm_arch_unregister_noncoherent_dma'], fields: VM, ofVm: true },
  {
    name: 'quirks',
    kind: 'p',
    at: ['kvm_vm_ioctl_enable_cap'],
    fields: `${VM} cap=+0(%si):u32 mask=+8(%si):x64`, // struct kvm_enable_cap
    filter: 'cap == 116 || cap == 213', // KVM_CAP_DISABLE_QUIRKS, KVM_CAP_DISABLE_QUIRKS2
    ofVm: true,
  },
  {
    name: 'zap',
    kind: 'p',
    at: ['kvm_zap_gfn_range'],
    fields: `${VM} start=%si:x64 end=%dx:x64`,
    ofVm: true,
  },
  { name: 'zapped', kind: 'r', at: ['kvm_zap_gfn_range'], fields: '', ofVm: false },
];
/** A vCPU comes onto a processor: it happens to every VM that runs, so it finds those that were there before. */
const LOAD: Probe = { name: 'load', kind: 'p', at: ['kvm_arch_vcpu_load'], fields: VCPU, ofVm: false };

/** The functions that probes need and this kernel does not have. */
export function missingSymbols(kallsyms = readFileSync('/proc/kallsyms', 'utf8')): string[] {
  return [...PROBES, LOAD]
    .filter(({ at }) => !at.some((name) => hasSymbol(kallsyms, name)))
    .map(({ at }) => at[0] as string);
}

const hasSymbol = (kallsyms: string, name: string): boolean =>
  new RegExp(`^\\S+ [tT] ${name}(\\s|$)`, 'm').test(kallsyms);

const all = (...filters: readonly (string | undefined)[]): string => {
  const parts = filters.filter((filter) => filter !== undefined);
  return parts.length === 0 ? '0' : parts.map((part) => `(${part})`).join(' && '); // 0 is: keep all.
};

/**
 * Tells what KVM does for any VM of this host, whoever's it is, without a word to that VM or its monitor: by probes on functions of KVM,
 * in a tracing instance of its own. Reads the `struct kvm` of each call, as zaps may run on threads of the kernel.
 */
export class VmObserver {
  readonly #trace: TraceInstance;
  readonly #guard: TraceGuard;

  /**
   * @param root where tracefs is mounted
   * @param tids threads of a monitor that runs already; undefined if it is about to start
   * @param bufferKib size of the buffer of each CPU
   */
  constructor(root: string, tids?: readonly number[], bufferKib = VM_BUFFER_KIB) {
    this.#trace = new TraceInstance(root, undefined, bufferKib);
    this.#guard = new TraceGuard(root, this.#trace.name, this.#trace.probeGroup);
    try {
      const kallsyms = readFileSync('/proc/kallsyms', 'utf8');
      for (const probe of PROBES) this.#add(probe, kallsyms);
      if (tids !== undefined) {
        const some = tids.slice(0, MOST_TIDS).map((tid) => `common_pid == ${tid}`);
        this.#add({ ...LOAD, filter: some.join(' || ') }, kallsyms);
      }
      this.#trace.write(`${CHANGES.event}/filter`, CHANGES.filter);
      this.#trace.write(`${CHANGES.event}/enable`, '1');
      this.#trace.write('events/kvmmmu/kvm_mmu_zap_all_fast/enable', '1');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #add({ kind, name, at, fields, filter }: Probe, kallsyms: string): void {
    const where = at.find((symbol) => hasSymbol(kallsyms, symbol)) ?? at[0];
    this.#trace.addProbe(kind, name, `${where} ${fields}`.trim(), filter);
  }

  /**
   * Have the kernel drop what probes tell of other VMs than these; of none if there are none. A mark in the trace tells from where on
   * that may be so, or is no more.
   */
  only(kvms: readonly string[], wasRunning: boolean): void {
    const ours = kvms.length === 0 ? undefined : kvms.map((kvm) => `kvm == ${kvm}`).join(' || ');
    const mark = ['only', ...kvms].join(' ');
    if (ours !== undefined) this.#trace.mark(mark);
    for (const { name, filter, ofVm } of PROBES) if (ofVm) this.#trace.filterProbe(name, all(ours, filter));
    if (ours === undefined) this.#trace.mark(mark);
    if (wasRunning) this.#trace.silenceProbe(LOAD.name);
  }

  /** Take everything seen since the last call, as the kernel's text: parseVmTrace() reads it. */
  take(): string {
    return this.#trace.drain().toString('latin1');
  }

  /** Remove the probes and the instance; a second call does nothing. */
  close(): void {
    try {
      this.#trace.close();
    } finally {
      this.#guard.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
