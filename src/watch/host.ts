import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnvironment } from '../agent/environment.js';
import { choosePolicy } from '../check/policy-choice.js';
import { NoncoherentDma } from '../dma/index.js';
import { Kvm } from '../kvm/index.js';
import { tracesChanges } from '../observe/spte-observer.js';
import { findTracefs } from '../observe/tracefs.js';
import { missingSymbols } from '../observe/vm-observer.js';
import { hasLegacyMmu } from '../recording/mmu.js';
import type { Environment } from '../recording/recording.js';
import type { Missing } from '../text/missing.js';
import type { HostFacts } from './registers.js';

/** This host, and where its trace is. */
export interface WatchHost {
  readonly root: string;
  readonly release: string;
  /** Model of the processor. */
  readonly cpu: string;
  readonly facts: HostFacts;
}

/** VMs of this host cannot be watched. */
export class WatchError extends Error {
  readonly code = 'WATCH_HOST';
}

const MAXPHYADDR = 40;

const NO_TYPES: Readonly<Record<Exclude<Environment['paging'], 'ept'>, Missing>> = {
  shadow: {
    reason:
      'of a VM of another process, this KVM’s trace could tell MSR writes, exits and faults, but no memory type: it maps guests by shadow paging, where there are no EPT leaves',
    lift: 'watch on an Intel host with kvm_intel.ept=Y',
  },
  npt: {
    reason: 'on AMD no leaf of a VM holds a memory type (nested page tables): the guest’s own PAT decides',
    lift: 'watch on an Intel host',
  },
};

/** Why the leaves of a VM cannot be followed here. */
function missing(env: Environment): Missing | undefined {
  if (env.paging !== 'ept') return NO_TYPES[env.paging];
  const tracefs = findTracefs();
  if (!('root' in tracefs)) return tracefs;
  if (!existsSync(join(tracefs.root, 'kprobe_events')))
    return { reason: 'the kernel takes no probes', lift: 'watch on a kernel with CONFIG_KPROBE_EVENTS' };
  if (hasLegacyMmu(env))
    return {
      reason: 'the legacy MMU maps guests here, and no event of it tells that a leaf goes',
      lift: 'load kvm with tdp_mmu=Y, on Linux 6.1 or later',
    };
  if (!tracesChanges(tracefs.root))
    return {
      reason: 'the kernel’s trace does not tell of changes of entries',
      lift: 'watch on Linux 6.1 to 7.3',
    };
  const symbols = missingSymbols();
  if (symbols.length > 0)
    return {
      reason: `this kernel has no function ${symbols.join(', ')} to put a probe on`,
      lift: 'watch on Linux 6.1 to 7.3 with CONFIG_KALLSYMS',
    };
  return undefined;
}

/**
 * Ask this host's KVM what the model has to know.
 * @param policy the policy's name, or `auto`
 * @param maxphyaddr how many bits the guest's physical addresses have, 36 to 52; those of this machine's if not told
 * @throws WatchError in a sentence, KvmError
 */
export function askHost(policy: string, maxphyaddr?: number): WatchHost {
  using kvm = Kvm.open();
  const dma = new NoncoherentDma({ kvm, device: null });
  const env = describeEnvironment(kvm, dma);
  dma.close();
  const lack = missing(env);
  if (lack !== undefined) throw new WatchError(`${lack.reason}: ${lack.lift}`);
  const tracefs = findTracefs();
  if (!('root' in tracefs)) throw new WatchError(tracefs.reason);
  return {
    root: tracefs.root,
    release: env.release,
    cpu: env.cpuModel,
    facts: {
      policy: choosePolicy(policy, [], env).policy,
      maxphyaddr: maxphyaddr ?? env.cpu?.physBits ?? MAXPHYADDR,
      selfSnoop: env.selfSnoop ?? true,
      quirks: env.quirks,
    },
  };
}
