import { existsSync, readFileSync } from 'node:fs';
import { HostMemory } from '../../kvm/index.js';
import type { Missing } from '../../text/missing.js';

const GIB = 2 ** 30;
const POOL = '/sys/kernel/mm/hugepages/hugepages-1048576kB';

const freePages = (): number =>
  existsSync(POOL) ? Number(readFileSync(`${POOL}/free_hugepages`, 'utf8')) : 0;

/** Why no guest memory can be in a page of 1 GiB that one leaf maps; `cpuinfo` is /proc/cpuinfo, `held` a page that is there. */
export function missingGib(
  paging: 'ept' | 'npt' | 'shadow',
  cpuinfo: string,
  held?: GibPage,
): Missing | undefined {
  if (!existsSync(POOL) || (paging === 'ept' && !/^vmx flags\s*:.*\bept_1gb\b/m.test(cpuinfo)))
    return {
      reason: 'this processor or this kernel has no pages of 1 GiB, or no leaves as large',
      lift: 'run on a processor with pdpe1gb and ept_1gb, or in the lab with --kernel, by Bochs',
    };
  if (held?.isTaken || freePages() > 0) return undefined;
  return {
    reason: 'this host keeps no free page of 1 GiB',
    lift: `echo 1 > ${POOL}/nr_hugepages (as root), or boot with hugepagesz=1G hugepages=1`,
  };
}

/** The page of 1 GiB that scenarios use one after another: the kernel clears a new one, which takes long. */
export class GibPage {
  #memory: HostMemory | undefined;

  /** @throws KvmError `KVM_MEMORY` if the host has none left */
  memory(): HostMemory {
    this.#memory ??= HostMemory.memfd(GIB, { hugetlb: '1G', align: GIB, populate: true });
    return this.#memory;
  }

  get isTaken(): boolean {
    return this.#memory !== undefined;
  }

  /** Take it, if the host keeps one, before there is something to do. */
  takeAhead(): void {
    if (freePages() > 0) this.memory();
  }

  owns(memory: HostMemory): boolean {
    return memory === this.#memory;
  }

  close(): void {
    this.#memory?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
