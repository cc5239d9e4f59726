import type { Policy } from '../policy.js';
import { ALL_POLICIES, policies } from './index.js';

/** The first kernel of each era, newest first: [major, minor, patch level, policy]. */
const ERAS: readonly (readonly [number, number, number, string])[] = [
  [6, 16, 0, 'E'],
  [6, 13, 0, 'D-6.13'],
  [6, 12, 78, 'E-6.12'],
  [6, 11, 0, 'D'],
  [6, 7, 0, 'B'],
  [6, 5, 0, 'A-6.5'],
  [4, 2, 0, 'A'],
];

/** No policy has this name, and no kernel version or suffix is recognised in it. */
export class UnknownPolicyError extends Error {
  override readonly name = 'UnknownPolicyError';
  readonly code = 'MEMTYPE_POLICY';
  constructor(name: string) {
    super(
      `no policy is called '${name}'; there are ${ALL_POLICIES.map((policy) => policy.name).join(', ')}, and kernel versions`,
    );
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((n, at) => n !== b[at]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}

/**
 * The policy that a kernel of this version has by its number alone, such as '6.1.192-2', '6.12', '6.11-rc3' or '7.2'.
 * A hint only: stable series and distributions backport. Without a patch level the newest known of the series counts.
 */
export function policyForVersion(version: string): Policy | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(?:-rc(\d+))?/.exec(version);
  if (match === null) return undefined;
  const [, major, minor, patch, candidate] = match;
  if (`${major}.${minor}` === '6.11' && Number(candidate) <= 7) return policies.get('C');
  const newest = candidate === undefined ? Number.POSITIVE_INFINITY : 0;
  const number = [Number(major), Number(minor), patch === undefined ? newest : Number(patch)];
  const era = ERAS.find((entry) => compare(number, entry.slice(0, 3) as number[]) >= 0);
  return era && policies.get(era[3]);
}

/**
 * The policy of a name, an alias or a kernel version.
 *
 * @throws UnknownPolicyError if it is none of them
 */
export function findPolicy(name: string): Policy {
  const version = /^\d+\.\d+(\.\d+)?(-rc\d+)?$/.test(name);
  const policy = policies.get(name) ?? (version ? policyForVersion(name) : undefined);
  if (policy === undefined) throw new UnknownPolicyError(name);
  return policy;
}
