import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a kernel built with GCOV_KERNEL gives its counters, each file below the path that its object had when it was built. */
const GCOV = '/sys/kernel/debug/gcov';
const OF_KVM = /\/((?:arch\/x86|virt)\/kvm\/.+\.gcda)$/;

/** How often each piece of the kernel's KVM ran since it booted: the file of each of its objects, by its name in the build. */
export function* gcovCounters(): Generator<{ name: string; bytes: Buffer }> {
  if (!existsSync(GCOV)) return;
  for (const path of readdirSync(GCOV, { recursive: true, encoding: 'utf8' })) {
    const name = OF_KVM.exec(`/${path}`)?.[1];
    if (name !== undefined) yield { name, bytes: readFileSync(join(GCOV, path)) };
  }
}
