/** @module-tag kvm */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KVM_DEV_TYPE_VFIO, KvmError } from '../../src/kvm/index.js';
import {
  type NativeFile,
  type NativeHandle,
  type NativeMemory,
  type NativeSystem,
  type NativeVcpu,
  type NativeVm,
  native,
} from '../../src/kvm/native.js';
import { bundle, TestWorker } from '../support/worker.js';
import { argument, type Living, ONE_STRUCT, SHARED, shapes } from './fuzz-args.js';
import { held } from './held.js';

// Call every function that the addon exports with arbitrary arguments. What is checked is that the process lives,
// that every refusal is a typed error, and that nothing is left open, while a second thread opens and closes the same
// VMs and memory. KVM_FUZZ_SEED repeats another run, KVM_FUZZ_CALLS makes it longer.

const CALLS = Number(process.env.KVM_FUZZ_CALLS ?? 100_000);
const MS_PER_CALL = 6;
const CLOSER = bundle(new URL('./fuzz-closer.ts', import.meta.url));
const SEED = Number(process.env.KVM_FUZZ_SEED ?? 1);
const MAX_BUDGET_MS = 2;
const MAX_MEMORY = 1 << 22;

type Fn = (this: unknown, ...args: unknown[]) => unknown;
const addon = native() as unknown as Record<string, Fn>;

/** A handle of each class, made again when a call has closed it. */
class Pool {
  readonly #handles = new Map<string, NativeHandle>();
  readonly #makers: Record<string, () => NativeHandle> = {
    System: () => native().openSystem('/dev/kvm'),
    Vm: () => this.#makeVm(),
    Vcpu: () => this.#makeVcpu(),
    Device: () => this.vm.createDevice(KVM_DEV_TYPE_VFIO, 0) as NativeHandle,
    Memory: () => native().createMemory('memfd', 0x10000, 4096, 0, false, false),
    // Any file will do to have each method called on its own class.
    VfioContainer: () => native().openVfioContainer('/dev/null'),
    VfioGroup: () => native().openVfioGroup('/dev/null'),
    VfioDevice: () => native().openVfioDevice('/dev/null'),
    File: () => (this.#odd() ? native().createEventFd() : this.vm.statsFd()),
  };
  #made = 0;

  /** @param shared where the second thread reads the numbers of what is open */
  constructor(readonly shared: Int32Array) {}

  #odd(): boolean {
    return this.#made++ % 2 === 1;
  }

  get kinds(): string[] {
    return Object.keys(this.#makers);
  }

  get(kind: string): NativeHandle {
    let handle = this.#handles.get(kind);
    if (!handle || handle.closed()) {
      handle = (this.#makers[kind] as () => NativeHandle)();
      this.#handles.set(kind, handle);
      const word = ({ Vm: SHARED.vm, Memory: SHARED.memory, Vcpu: SHARED.vcpu } as Record<string, number>)[
        kind
      ];
      if (word !== undefined) Atomics.store(this.shared, word, (handle as NativeVm).number());
    }
    return handle;
  }

  get vm(): NativeVm {
    return this.get('Vm') as NativeVm;
  }

  get memory(): NativeMemory {
    return this.get('Memory') as NativeMemory;
  }

  /** Addresses and numbers that name living things. */
  readonly living: Living = {
    address: () => this.memory.address(),
    memory: () => this.memory.number(),
    vm: () => this.vm.number(),
    vcpu: () => (this.get('Vcpu') as NativeVcpu).number(),
    file: () => (this.get('File') as NativeFile).number(),
  };

  close(): void {
    for (const handle of this.#handles.values()) handle.close();
  }

  #makeVcpu(): NativeVcpu {
    // In a VM without any: calls may have taken every id there is.
    this.vm.close();
    return this.vm.createVcpu(0);
  }

  #makeVm(): NativeVm {
    // A new VM comes with a vCPU and a device of its own.
    for (const kind of ['Vcpu', 'Device']) this.#handles.get(kind)?.close();
    const vm = (this.get('System') as NativeSystem).createVm(0);
    vm.setUserMemoryRegion(0, 0, 0n, 0x10000n, this.memory.address());
    if (this.#odd()) {
      vm.createIrqchip();
      vm.createPit2(new Uint8Array(64));
    }
    return vm;
  }
}

interface Target {
  name: string;
  /** Class of the receiver; undefined for functions of the module. */
  kind: string | undefined;
  call: Fn;
}

function targets(pool: Pool): Target[] {
  const functions = Object.entries(addon).filter(([name]) => !/^[A-Z]/.test(name));
  const methods = Object.entries(addon).flatMap(([kind, ctor]) => {
    if (!/^[A-Z]/.test(kind)) return [];
    const prototype = ctor.prototype as Record<string, Fn>;
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
    // Classes that this machine cannot make still get their methods called, on the wrong receivers.
    const receiver = pool.kinds.includes(kind) ? kind : 'Vm';
    const called = names.map((name) => ({
      name: `${kind}.${name}`,
      kind: receiver,
      call: prototype[name] as Fn,
    }));
    const constructed: Target = {
      name: `new ${kind}`,
      kind: undefined,
      call: (...args) => Reflect.construct(ctor, args),
    };
    return [...called, constructed];
  });
  return [...functions.map(([name, call]) => ({ name, kind: undefined, call })), ...methods];
}

/** Keep a call that happens to be right from taking hours or all memory. */
function tame(name: string, args: unknown[]): unknown[] {
  const bound = { 'Vcpu.enter': [0, MAX_BUDGET_MS], createMemory: [1, MAX_MEMORY] }[name];
  if (!bound) return args;
  const [index, max] = bound as [number, number];
  return args.map((value, i) => (i === index && typeof value === 'number' && value > max ? max : value));
}

function isHandle(value: unknown): value is NativeHandle {
  return typeof value === 'object' && value !== null && Object.hasOwn(addon, value.constructor?.name ?? '');
}

describe('the addon', () => {
  it(`lives through ${CALLS} arbitrary calls`, { timeout: CALLS * MS_PER_CALL }, async () => {
    const before = held();
    const shared = new Int32Array(new SharedArrayBuffer(4 * SHARED.words));
    const closer = new TestWorker(CLOSER, shared.buffer);
    await closer.next();
    const pool = new Pool(shared);
    const all = targets(pool);
    const called = new Set<string>();
    const succeeded = new Set<string>();
    const living = Object.values(pool.living);
    const nonsense = fc.array(
      argument(() => living.map((get) => get())),
      { maxLength: 8 },
    );
    const shaped = shapes(pool.living);
    const call = fc.constantFrom(...all).chain((target) =>
      fc.record({
        target: fc.constant(target),
        args: fc.oneof(nonsense, fc.tuple(...(shaped[target.name] ?? ONE_STRUCT))),
        receiver: fc.option(fc.constantFrom(...pool.kinds), { freq: 20 }),
      }),
    );
    const property = fc.property(call, ({ target, args, receiver }) => {
      const kind = target.kind && (receiver ?? target.kind);
      called.add(target.name);
      try {
        const result = target.call.apply(kind ? pool.get(kind) : undefined, tame(target.name, args));
        if (isHandle(result)) result.close();
        succeeded.add(target.name);
      } catch (error) {
        if (!(error instanceof KvmError || error instanceof TypeError)) throw error;
      } finally {
        if (target.name === 'init') native().init(KvmError);
      }
    });
    fc.assert(property, { numRuns: CALLS, seed: SEED, endOnFailure: true });
    Atomics.store(shared, SHARED.stop, 1);
    await closer.exited;
    pool.close();
    expect(shared[SHARED.closed]).toBeGreaterThan(1000);
    expect(called.size).toBe(all.length);
    // Or the arguments are all refused, and nothing but the checks was tried.
    expect(succeeded.size).toBeGreaterThan(all.length / 2);
    expect(held()).toEqual(before);
  });
});
