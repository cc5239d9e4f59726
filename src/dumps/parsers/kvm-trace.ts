import { msrName } from '../../arch/msrs.js';
import { type DumpFormat, hexOf } from '../types.js';

/** Behind the event's name trace-cmd pads, before it perf writes the system's. */
const EVENT = /\bkvm_msr: +msr_(read|write) ([0-9a-f]{1,8}) = (?:0x)?([0-9a-f]{1,16})( \(#GP\))?$/;
/** Other events of KVM that were traced along. */
const OTHER_EVENT = /\bkvm_(?!msr:)\w+: /;
/** What tracefs, `trace-cmd report` and `perf script` begin with. */
const HEAD = /^# tracer:|^#\s+[|_TASKen-]|^cpus=\d+$/;
/** QEMU calls the thread of a vCPU `CPU 0/KVM`; others are told apart by their number. */
const QEMU_THREAD = /^CPU (\d{1,4})\/KVM[- ]/;
/** `vmm-4711 [001]` of tracefs, `vmm  4711 [001]` of perf, with the process before it if asked for. */
const THREAD = /^\S.{0,15}?(?:-| +)(?:\d{1,7}\/)?(\d{1,7}) +[([]/;

/** The event kvm_msr of the host's trace (arch/x86/kvm/trace.h): the guest's writes, in their order. */
export const kvmTrace: DumpFormat = {
  name: 'trace of kvm_msr',
  start: () => {
    const threads = new Map<string, number>();
    const cpuOf = (line: string): number | undefined => {
      const named = QEMU_THREAD.exec(line)?.[1];
      if (named !== undefined) return Number(named);
      const thread = THREAD.exec(line)?.[1];
      if (thread === undefined) return undefined;
      const known = threads.get(thread) ?? threads.size;
      threads.set(thread, known);
      return known;
    };
    return (whole) => {
      const line = whole.trim();
      if (HEAD.test(line)) return [];
      const [, way, msr, value, fault] = EVENT.exec(line) ?? [];
      if (msr === undefined || value === undefined) return OTHER_EVENT.test(line) ? [] : undefined;
      const cpu = cpuOf(line);
      const number = Number.parseInt(msr, 16);
      if (way === 'read' || fault !== undefined || msrName(number) === undefined) return [];
      return [{ what: 'msr', cpu, msr: number, value: hexOf(value) }];
    };
  },
};
