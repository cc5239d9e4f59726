import { NoncoherentDma } from '../dma/index.js';
import { HostMemory, Kvm } from '../kvm/index.js';
import { KernelLog, openKernelLog } from '../observe/kernel-log.js';
import { SpteObserver } from '../observe/spte-observer.js';
import { findTracefs } from '../observe/tracefs.js';
import type { Environment } from '../recording/recording.js';
import type { AgentSpec } from '../recording/spec.js';
import { encodeJson } from '../recording/wire.js';
import { RAM_SIZE } from '../scenario/types.js';
import { describeEnvironment, pciBarOf } from './environment.js';
import { sweepLeftovers } from './leftovers.js';
import type { GibPage } from './memory/gib-page.js';
import { HugeRam } from './memory/huge-ram.js';
import { Witness } from './vcpu/witness.js';

/** What scenarios run on; shared by all of them, closed by its owner. */
export interface Bench {
  kvm: Kvm;
  environment: Environment;
  /** Backing of guest RAM, RAM_SIZE bytes, used by one scenario after another. */
  ram: HostMemory;
  /** The same in huge pages. */
  hugeRam: HugeRam;
  /** Backing of the memslots in a page of 1 GiB. */
  gib: GibPage;
  observer: Pick<SpteObserver, 'mark' | 'take'> | undefined;
  dma: NoncoherentDma;
  /** Tells how the processor walked the guest's tables, where an emulator does. */
  witness?: Witness | undefined;
  /** The kernel's log, where it can be read. */
  log?: Pick<KernelLog, 'take'> | undefined;
  /** Path of the PCI BAR that may be mapped. */
  pciBar: string | undefined;
  /** Longest time that one batch of guest commands may take, in milliseconds; 10 s if not told. */
  budgetMs?: number;
}

/** How the kernel's log is read: a machine of the lab runs our scenario and nothing else. */
const kernelLogOf = (
  log: ReturnType<typeof openKernelLog>,
  spec: AgentSpec,
): NonNullable<Environment['kernelLog']> => {
  if (!(log instanceof KernelLog)) return log;
  return spec.device === 'lab' ? 'own' : 'shared';
};

const openObserver = (): SpteObserver | undefined => {
  const tracefs = findTracefs();
  return 'root' in tracefs ? new SpteObserver(tracefs.root, process.pid) : undefined;
};

/** What a spec asks of a bench. */
const askedOf = ({ device, params, virtioType, memslotFlag, witness }: AgentSpec): string =>
  encodeJson([device, params, virtioType, memslotFlag, witness]);

/** Opens what scenarios run on. It serves one job after another: the kernel has cleared its memory then, and knows the machine. */
export class OpenBench implements Disposable {
  readonly environment: Environment;
  readonly kvm: Kvm;
  readonly dma: NoncoherentDma;
  readonly #rest: Pick<Bench, 'ram' | 'hugeRam' | 'witness' | 'log'>;
  readonly #asked: string;
  readonly #closings: (() => void)[] = [];
  #observer: SpteObserver | undefined;

  /** @throws what opening any of it does, once the rest is closed again */
  constructor(
    spec: AgentSpec,
    private readonly gib: GibPage,
  ) {
    const own = <T extends Disposable>(thing: T): T => {
      this.#closings.push(() => thing[Symbol.dispose]());
      return thing;
    };
    this.#asked = askedOf(spec);
    try {
      this.kvm = own(Kvm.open());
      const ram = own(HostMemory.memfd(RAM_SIZE));
      const hugeRam = own(new HugeRam(RAM_SIZE));
      const witness = spec.witness && own(new Witness(spec.witness));
      for (const problem of sweepLeftovers()) process.stderr.write(`${problem}\n`);
      const dma = new NoncoherentDma({ kvm: this.kvm, ...spec });
      this.#closings.push(() => dma.close());
      const opened = openKernelLog();
      const log = opened instanceof KernelLog ? opened : undefined;
      this.#closings.push(() => log?.close());
      this.dma = dma;
      this.#rest = { ram, hugeRam, witness, log };
      this.environment = {
        ...describeEnvironment(this.kvm, dma, spec.params, gib),
        kernelLog: kernelLogOf(opened, spec),
        ...(witness && { witness: true }),
      };
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether it is what another job asks for. */
  serves(spec: AgentSpec): boolean {
    return askedOf(spec) === this.#asked;
  }

  /** What scenarios get. @throws TraceError where KVM cannot be traced */
  bench(): Bench {
    const { environment, kvm, dma, gib } = this;
    if (environment.paging !== 'shadow') this.#observer ??= openObserver();
    const pciBar = dma.device === undefined ? undefined : pciBarOf(dma.device);
    return { ...this.#rest, kvm, environment, gib, observer: this.#observer, dma, pciBar };
  }

  /** Trace no leaves until the next bench(). */
  endTracing(): void {
    this.#observer?.close();
    this.#observer = undefined;
  }

  [Symbol.dispose](): void {
    this.endTracing();
    for (const close of this.#closings.splice(0).reverse()) close();
  }
}
