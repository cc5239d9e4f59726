import {
  HostMemory,
  KVM_CAP_X86_USER_SPACE_MSR,
  KVM_MSR_EXIT_REASON_UNKNOWN,
  type Kvm,
} from '../src/kvm/index.js';
import { Machine } from '../src/vmm/index.js';
import { load, MSR, PIO_LOOP, PORT, RAM_SIZE, start, WRMSR_LOOP } from './guests.js';

// This side of the benchmarks: the loops of bench/kvm.c through the library's machine.

const WARM_UP = 20_000;
const BUDGET_MS = 60_000;

/** A machine whose guest exits for ever, and a way to take `count` of its exits. */
export interface ExitLoop {
  take(count: number): void;
  close(): void;
}

function exitLoop(
  kvm: Kvm,
  code: readonly number[],
  route: (machine: Machine, seen: () => void) => void,
): ExitLoop {
  const machine = Machine.create(kvm, {
    vcpus: 1,
    ramSize: RAM_SIZE,
    msrMode: 'kernel',
    budgetMs: BUDGET_MS,
  });
  let left = 0;
  route(machine, () => {
    if (--left === 0) machine.stop();
  });
  load(machine.ram, code);
  for (const vcpu of machine.vcpus) start(vcpu);
  const take = (count: number) => {
    left = count;
    machine.runUntilDoorbell(0);
  };
  take(WARM_UP);
  return { take, close: () => machine.close() };
}

/** Exits for OUT, answered by a device on the PIO bus. */
export function pioLoop(kvm: Kvm): ExitLoop {
  return exitLoop(kvm, PIO_LOOP, (machine, seen) => {
    machine.pio.register(PORT, 1, { read: () => 0, write: seen });
  });
}

/** Exits for WRMSR, answered by a handler in the MSR table. */
export function wrmsrLoop(kvm: Kvm): ExitLoop {
  return exitLoop(kvm, WRMSR_LOOP, (machine, seen) => {
    const write = () => {
      seen();
      return true;
    };
    machine.msr.register(MSR, 1, { action: 'handled', read: () => 0n, write });
  });
}

/** VM, memslot, vCPU, run to the first exit, close: `count` times. */
export function vmLoop(kvm: Kvm): ExitLoop {
  const ram = HostMemory.memfd(RAM_SIZE);
  load(ram, PIO_LOOP);
  const once = () => {
    const vm = kvm.createVm();
    vm.enableCap(KVM_CAP_X86_USER_SPACE_MSR, [BigInt(KVM_MSR_EXIT_REASON_UNKNOWN)]);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(RAM_SIZE), userspaceAddr: ram.address });
    const vcpu = vm.createVcpu(0);
    start(vcpu);
    if (vcpu.enter(BUDGET_MS) !== 0 || vcpu.run.ioPort !== PORT) throw new Error('no exit for OUT');
    vcpu.close();
    vm.close();
  };
  const take = (count: number) => {
    for (let i = 0; i < count; i++) once();
  };
  take(100);
  return { take, close: () => ram.close() };
}
