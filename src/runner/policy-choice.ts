import { type Policy, policies } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { judge } from './judge.js';
import type { Environment, Recording } from './recording.js';

/** The scenarios whose outcome tells the policies of EPT hosts apart. */
export const PROBE_SCENARIOS: readonly string[] = ['dma/probe', 'vcpus/disagree-mtrr'];

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

const IGNORE_GUEST_PAT = 1 << 9;

/** First kernel version of each era (KERNEL: commits 7a18c7c2b69a, 0a7b73559b39, c9c1e20b4c7d), newest first. */
const FIRST_RELEASE: readonly (readonly [string, number, number])[] = [
  ['E', 6, 16],
  ['D', 6, 11],
  ['B', 6, 7],
  ['A', 0, 0],
];

/** A policy known to the model; throws a one-sentence error for any other name. */
export function policyNamed(name: string): Policy {
  const policy = policies.get(name);
  if (policy === undefined) {
    const known = [...new Set(policies.keys())].join(', ');
    throw Object.assign(new Error(`--policy ${name} is not known; there are ${known}`), {
      code: 'POLICY_UNKNOWN',
    });
  }
  return policy;
}

/** What the version says; a stable kernel may have backports, so this is only a hint. */
function hintedEra(release: string): string {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const row = FIRST_RELEASE.find(([, a, b]) => major > a || (major === a && minor >= b));
  return row === undefined ? 'A' : row[0];
}

/** Policies for a machine whose leaves carry no memory type. */
function withoutEpt(paging: 'npt' | 'shadow', era: string): Policy[] {
  const name = paging === 'npt' ? 'npt' : 'none';
  const [old, current] = [policyNamed(`${name}-A`), policyNamed(name)];
  return era === 'A' || era === 'B' ? [old, current] : [current, old];
}

/** Every policy that this machine could have, the most likely first. */
export function candidates(env: Environment): Policy[] {
  const era = hintedEra(env.release);
  if (env.paging !== 'ept') return withoutEpt(env.paging, era);
  const hinted = policyNamed(era);
  const rest = [...new Set(policies.values())].filter((p) => p.paging === 'ept' && p !== hinted);
  const hasQuirk = (env.quirks & IGNORE_GUEST_PAT) !== 0;
  return [hinted, ...rest].filter((p) => ((p.quirks.supported & IGNORE_GUEST_PAT) !== 0) === hasQuirk);
}

/** Whether everything recorded is what `policy` expects. */
function explains(policy: Policy, recorded: readonly Recorded[], env: Environment): boolean {
  return recorded.every(
    ({ scenario, recording }) => judge(scenario, recording, policy, env).status !== 'fail',
  );
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
  if (forced !== 'auto') return { policy: policyNamed(forced), how: 'forced' };
  const all = candidates(env);
  const hinted = all[0] ?? policyNamed(hintedEra(env.release));
  const ran = probes.filter(({ recording }) => recording.outcome === 'ran');
  if (ran.length === 0) return { policy: hinted, how: env.paging === 'ept' ? 'hint' : 'probed' };
  const fitting = all.find((policy) => explains(policy, ran, env));
  return fitting === undefined ? { policy: hinted, how: 'hint' } : { policy: fitting, how: 'probed' };
}
