import type { DmaWay } from '../arch/dma-ways.js';
import type { Environment } from '../recording/recording.js';
import { NEEDS } from '../scenario/schema.js';
import type { Need, Scenario } from '../scenario/types.js';
import type { Missing } from '../text/missing.js';
import { type Finding, finding } from './finding.js';

/** How a KVM is to be called, and what it says of itself; an error's sentence where it could not be asked. */
export interface AskedKvm {
  name: string;
  environment: Environment | string;
}

/** What was found of one KVM. */
export interface KvmFindings {
  name: string;
  /** `uname -r`, and the processor; absent where KVM could not be asked. */
  release?: string;
  cpu?: string;
  findings: Finding[];
  /** How many scenarios of the catalogue `run` takes here, and how many it skips. */
  scenarios: { run: number; skip: number };
}

const WAYS: Readonly<Record<DmaWay, string>> = {
  'vfio-noiommu': 'a VFIO group without an IOMMU',
  'vfio-type1': 'a VFIO group behind an IOMMU',
  'vfio-cdev': 'a VFIO device file',
  'vfio-mdev': 'the group of a mediated device',
  'mdev-cdev': 'the device file of a mediated device',
  'virtio-device': 'KVM_DEV_TYPE_VIRTIO (proposal P5)',
  'memslot-flag': 'KVM_MEM_NON_COHERENT_DMA (proposal P5)',
  'quirk-ignore-guest-pat': 'quirk IGNORE_GUEST_PAT can be disabled',
};

/** What the scenarios need, in words; the compiler asks for each. */
const TITLES: Readonly<Record<Need, string>> = {
  ...WAYS,
  'ept-leaves': 'leaves can be watched (tracefs)',
  noncoherent: 'non-coherent DMA, by any way',
  'pci-bar': 'a PCI BAR as guest memory',
  'tdp-mmu': 'the TDP MMU',
  'huge-pages': 'transparent huge pages',
  'gib-pages': 'pages of 1 GiB',
  'quirk-cd-nw-cleared': 'quirk CD_NW_CLEARED can be disabled',
  'quirk-slot-zap-all': 'quirk SLOT_ZAP_ALL can be disabled',
  'pre-fault': 'pages can be mapped before a guest asks (KVM_PRE_FAULT_MEMORY)',
  nested: 'a guest of the guest',
  'known-vendor': 'kvm_intel or kvm_amd',
  'no-virtio-device': 'no KVM_DEV_TYPE_VIRTIO',
  'no-memslot-flag': 'no KVM_MEM_NON_COHERENT_DMA',
};

/** Needs that are met where something is absent: no machine lacks them. */
const ABSENCES: readonly Need[] = ['no-virtio-device', 'no-memslot-flag'];

/** Told of before the others, or in a finding of their own. */
const FIRST: readonly Need[] = ['ept-leaves', 'noncoherent'];
const TOLD: readonly Need[] = ['known-vendor', ...ABSENCES, ...FIRST];

const NO_TYPES: Missing = {
  reason:
    'AMD’s nested page tables (NPT) hold no memory types: leaves, zaps and MSRs are checked, types are not',
  lift: 'run on an Intel host, or in the lab with --kernel',
};

const NO_SNOOP: Missing = {
  reason: 'the kernel takes this processor not to snoop its own caches, so the guest’s PAT is ignored always',
  lift: 'run on a processor with the flag ss in /proc/cpuinfo; a hypervisor may hide it',
};

function paging({ paging: kind, missing }: Environment): Finding {
  const why = { ept: undefined, npt: NO_TYPES, shadow: missing['ept-leaves'] ?? NO_TYPES }[kind];
  return finding('ept', 'EPT, whose leaves hold memory types', why);
}

function kernelLog({ kernelLog: log }: Environment): Finding {
  const missing = typeof log === 'object' ? log : undefined;
  return finding('kernel-log', 'warnings of the kernel are seen', missing);
}

/** Each need once: whether there is non-coherent DMA, then every way to it, as the catalogue has them. */
function needs({ missing, noncoherent }: Environment): Finding[] {
  const shown = [...FIRST, ...NEEDS.filter((need) => !TOLD.includes(need))];
  const says = (need: Need): string | undefined =>
    need === 'noncoherent' && noncoherent !== null ? `the first: ${noncoherent}` : undefined;
  return shown.map((need) => finding(need, TITLES[need], missing[need], says(need)));
}

function countScenarios({ missing }: Environment, scenarios: readonly Scenario[]): KvmFindings['scenarios'] {
  const run = scenarios.filter((scenario) => scenario.needs.every((need) => missing[need] === undefined));
  return { run: run.length, skip: scenarios.length - run.length };
}

/** What the agent could not start for, parted into what is and what to do: `… failed: ENOENT, KVM is not available: load …`. */
function unasked(sentence: string): Missing {
  const [, reason = sentence, lift = 'mend that, then ask again'] =
    /^(.*?[^:]): ((?:load|join|stop|run) .*)$/.exec(sentence) ?? [];
  return { reason, lift };
}

/** What a KVM can be checked for. */
export function examineKvm(
  { name, environment: env }: AskedKvm,
  scenarios: readonly Scenario[],
): KvmFindings {
  const title = 'KVM opens (/dev/kvm)';
  if (typeof env === 'string')
    return {
      name,
      findings: [finding('kvm', title, unasked(env))],
      scenarios: { run: 0, skip: scenarios.length },
    };
  const vendor = finding('vendor', TITLES['known-vendor'], env.missing['known-vendor'], `${env.vendor}`);
  const snoop = finding(
    'self-snoop',
    'the processor snoops its own caches',
    env.selfSnoop === false ? NO_SNOOP : undefined,
  );
  return {
    name,
    release: env.release,
    cpu: env.cpuModel,
    findings: [finding('kvm', title, undefined), vendor, paging(env), snoop, kernelLog(env), ...needs(env)],
    scenarios: countScenarios(env, scenarios),
  };
}
