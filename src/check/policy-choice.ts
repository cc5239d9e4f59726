import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../arch/kvm-flags.js';
import {
  ALL_POLICIES,
  findPolicy,
  NEWEST_POLICY,
  type Policy,
  policyAssumption,
  policyForVersion,
  policyWithPaging,
  supportedQuirks,
} from '../memtype/index.js';
import type { Environment, Recording } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';
import { passes } from './judge.js';

/** The scenarios whose outcome tells the policies of EPT hosts apart. */
export const PROBE_SCENARIOS: readonly string[] = [
  'dma/probe',
  'vcpus/disagree-mtrr',
  'memslot/probe',
  'msr/probe',
];

/**
 * The same, and what tells kernels apart that differ only in what becomes of huge leaves under a log. A run of a kernel whose version may
 * mislead asks this too; other runs do not, as a fault there would then be taken for another era.
 */
export const ALL_PROBES: readonly string[] = [...PROBE_SCENARIOS, 'dirty/huge-full'];

/** Name of the policy, and how it was come by. */
export interface PolicyChoice {
  policy: Policy;
  how: 'forced' | 'probed' | 'hint';
}

/** A scenario and what it gave. */
export interface Recorded {
  scenario: Scenario;
  recording: Recording;
}

/** What the version says; a stable kernel may have backports, so this is only a hint. */
const hinted = (release: string): Policy => policyForVersion(release) ?? NEWEST_POLICY;

const hasVirtio = (env: Environment): boolean => env.missing['virtio-device'] === undefined;
const hasFlag = (env: Environment): boolean => env.missing['memslot-flag'] === undefined;

/** Without EPT kernels are of two sorts: those that zap for the guest's MTRRs, and those that do not. */
const SORTS_WITHOUT_EPT = ['A', 'E'].map(findPolicy);

/**
 * Policies for a machine whose leaves carry no memory type, with what proposals add to it all the same. What the end of dirty
 * logging does is the TDP MMU's, and how MSRs are routed is common to all vendors: both differ between versions there too.
 */
function withoutEpt(env: Environment): Policy[] {
  const hint = hinted(env.release);
  const own = policyWithPaging(hint, env.paging);
  const sorts = SORTS_WITHOUT_EPT.map((policy) => policyWithPaging(policy, env.paging));
  return [own, ...sorts.filter(({ era }) => era !== own.era)].map((policy) => ({
    ...policy,
    dirtyLogOff: hint.dirtyLogOff,
    hugeLeaves: hint.hugeLeaves,
    msrs: hint.msrs,
    virtioDevice: hasVirtio(env),
    memslotFlag: hasFlag(env),
  }));
}

/** What a kernel of this policy says on this CPU of the quirks that can be disabled. */
const quirksOf = (policy: Policy, env: Environment): number => supportedQuirks(policy, env.selfSnoop ?? true);

/** Whether a policy has the features that KVM itself was asked for. */
function hasFeatures(policy: Policy, env: Environment): boolean {
  const ignoresPat = (mask: number): boolean => (mask & KVM_X86_QUIRK_IGNORE_GUEST_PAT) !== 0;
  return (
    ignoresPat(quirksOf(policy, env)) === ignoresPat(env.quirks) &&
    policy.virtioDevice === hasVirtio(env) &&
    policy.memslotFlag === hasFlag(env)
  );
}

/**
 * How much speaks for a policy beside what leaves can tell: that the kernel knows just its quirks, and that the version
 * has it, with a proposal on top or without.
 */
function likelihood(policy: Policy, env: Environment): number {
  const isHinted = policy.base === hinted(env.release).name;
  return (quirksOf(policy, env) === env.quirks ? 2 : 0) + (isHinted ? 1 : 0);
}

/** Every policy that this machine could have, the most likely first. */
function candidates(env: Environment): Policy[] {
  if (env.paging !== 'ept') return withoutEpt(env);
  return ALL_POLICIES.filter((p) => p.paging === 'ept' && hasFeatures(p, env)).sort(
    (a, b) => likelihood(b, env) - likelihood(a, env),
  );
}

/** The policy that a kernel is known by its version to have; undefined for a version that leaves that open. */
function versionPolicy(env: Environment): Policy | undefined {
  const known = policyForVersion(env.release);
  if (known === undefined || policyAssumption(env.release) !== undefined) return undefined;
  return policyWithPaging(known, env.paging);
}

/** That a kernel behaves otherwise than its version says, as a policy of the result set tells it. */
export interface Departure {
  /** Name of the policy that the version means. */
  expectedByVersion: string;
  /** The same for people: one sentence. */
  warning: string;
}

/**
 * Whether the kernel behaves as another era than the one its version is known for. A policy that the user named is
 * the user's word, and departs from nothing; a proposal on top of the version's own policy does not either.
 */
export function departure({ policy, how }: PolicyChoice, env: Environment): Departure | undefined {
  const known = versionPolicy(env);
  if (how === 'forced' || known === undefined || known.base === policy.base) return undefined;
  return {
    expectedByVersion: known.name,
    warning:
      `Linux ${env.release} is known for policy ${known.name}, but this kernel was held against ${policy.name}: ` +
      `if it should behave so (a backport, a patch), say --policy ${policy.name}`,
  };
}

/**
 * The policy whose answers KVM must give about itself. These answers have helped to find the policy: so it is the version's own that says
 * them, where the version leaves nothing open, with the proposals that were found on top.
 */
export function answersPolicy({ policy, how }: PolicyChoice, env: Environment): Policy {
  const known = versionPolicy(env);
  if (how === 'forced' || known === undefined || known.base === policy.base) return policy;
  return {
    ...known,
    virtioDevice: policy.virtioDevice,
    memslotFlag: policy.memslotFlag,
  };
}

/** A recording without the kernel's warnings: these speak for no policy and against none. */
const withoutLog = (recording: Recording, { kernelLog }: Environment): Recording =>
  typeof kernelLog === 'string' ? { ...recording, kernelLog: { lines: [], lost: 0 } } : recording;

/** Whether everything recorded is what `policy` expects. */
function explains(policy: Policy, recorded: readonly Recorded[], env: Environment): boolean {
  return recorded
    .filter(({ recording }) => recording.outcome === 'ran')
    .every(({ scenario, recording }) => passes(scenario, withoutLog(recording, env), policy, env));
}

/** Names of all known policies that explain everything recorded. */
export function explainedBy(recorded: readonly Recorded[], env: Environment): string[] {
  return candidates(env)
    .filter((policy) => explains(policy, recorded, env))
    .map((policy) => policy.name);
}

/**
 * Choose the policy to hold a run against: the forced one; else the likeliest that explains the probe scenarios; else
 * what the version hints at.
 */
export function choosePolicy(forced: string, probes: readonly Recorded[], env: Environment): PolicyChoice {
  if (forced !== 'auto') return { policy: findPolicy(forced), how: 'forced' };
  const all = candidates(env);
  const likeliest = all[0] ?? hinted(env.release);
  const ran = probes.filter(({ recording }) => recording.outcome === 'ran');
  if (ran.length === 0) return { policy: likeliest, how: env.paging === 'ept' ? 'hint' : 'probed' };
  const fitting = all.find((policy) => explains(policy, ran, env));
  return fitting === undefined ? { policy: likeliest, how: 'hint' } : { policy: fitting, how: 'probed' };
}
