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
  [6, 0, 0, 'A'],
  [4, 4, 0, 'A-4.4'],
];

/** What a release string tells of a kernel's version. */
export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  /** The y of 6.1.y; undefined where the string does not tell it. */
  readonly patch: number | undefined;
  /** n of -rcn. */
  readonly candidate: number | undefined;
}

/** No policy has this name, and no kernel version that has one is recognised in it. */
export class UnknownPolicyError extends Error {
  override readonly name = 'UnknownPolicyError';
  readonly code = 'MEMTYPE_POLICY';
}

/** `6.1.0-28-amd64`, `5.15.0-91-generic`: the number counts the distribution's builds, and hides y behind a 0. */
const DISTRIBUTION = /^-(?!0\d)\d/;
/** `-rc3`, Fedora's `-0.rc3.20240815git`, Ubuntu's `-061100rc3-generic`. */
const CANDIDATE = /^[-~][\d.]*rc(\d+)/;
/** Red Hat brings KVM up to date within one version. */
const RED_HAT = /\.el\d/;
/** What may follow the numbers: a local version, or the fourth number of Microsoft's kernels; no proposal, as in `6.1+P2`. */
const REST = /^(?:|(?:(?!\+P\d)[-+_~]|\.\d+-)\S*)$/;

/**
 * Read a kernel version out of what `uname -r` says or a person writes: `6.1`, `v6.6`, `6.11-rc3`, `6.1.0-28-amd64`,
 * `6.12.85+deb13-amd64`. Undefined if it is none.
 */
export function readVersion(text: string): KernelVersion | undefined {
  const [, major, minor, patch, rest = ''] = /^v?(\d+)\.(\d+)(?:\.(\d+))?(.*)/s.exec(text) ?? [];
  if (major === undefined || !REST.test(rest)) return undefined;
  const candidate = CANDIDATE.exec(rest)?.[1];
  const isHidden = patch === '0' && candidate === undefined && DISTRIBUTION.test(rest);
  return {
    major: Number(major),
    minor: Number(minor),
    patch: patch === undefined || isHidden ? undefined : Number(patch),
    candidate: candidate === undefined ? undefined : Number(candidate),
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((n, at) => n !== b[at]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}

function policyAt({ major, minor, patch, candidate }: KernelVersion): Policy | undefined {
  if (major === 6 && minor === 11 && (candidate ?? 8) <= 7) return policies.get('C');
  const newest = candidate === undefined ? Number.POSITIVE_INFINITY : 0;
  const number = [major, minor, patch ?? newest];
  const era = ERAS.find((entry) => compare(number, entry.slice(0, 3) as number[]) >= 0);
  return era && policies.get(era[3]);
}

/**
 * The policy that a kernel of this version has by its number alone, such as '6.1.192-2', '6.12', '6.11-rc3' or
 * '5.15.0-91-generic'; undefined if it is no version, or one before 4.4. A hint only: stable series and distributions
 * backport. Without a patch level the newest known of the series counts.
 */
export function policyForVersion(version: string): Policy | undefined {
  const read = readVersion(version);
  return read && policyAt(read);
}

function unknown(name: string): UnknownPolicyError {
  if (readVersion(name) !== undefined)
    return new UnknownPolicyError(
      `kernel '${name}' is older than 4.4, where the oldest policy (A-4.4) starts: before, host MMIO, disabled MTRRs and CR0.CD were treated in other ways`,
    );
  const names = ALL_POLICIES.map((policy) => policy.name).join(', ');
  return new UnknownPolicyError(
    `no policy is called '${name}'; there are ${names}, and kernel versions such as 6.1 or what uname -r says`,
  );
}

/**
 * The policy of a name, an alias or a kernel version (what `readVersion()` reads).
 *
 * @throws UnknownPolicyError if it is none of them, or a kernel before 4.4
 */
export function findPolicy(name: string): Policy {
  const policy = policies.get(name) ?? policyForVersion(name);
  if (policy === undefined) throw unknown(name);
  return policy;
}

/**
 * What `findPolicy()` takes for granted about a kernel version that leaves something open; undefined if nothing does.
 * A whole sentence, without the full stop.
 */
export function policyAssumption(name: string): string | undefined {
  const version = readVersion(name);
  if (version === undefined) return undefined;
  const { major, minor, patch, candidate } = version;
  const policy = findPolicy(name).name;
  if (RED_HAT.test(name))
    return `'${name}' is a Red Hat kernel, whose KVM is newer than its number: policy ${policy} is what the number says`;
  const change = ERAS.find((era) => era[0] === major && era[1] === minor && era[2] > 0);
  if (change === undefined || patch !== undefined || candidate !== undefined) return undefined;
  const series = `${major}.${minor}`;
  const before = findPolicy(`${series}.0`).name;
  return `'${name}' does not tell which ${series}.y it is: policy ${policy} is that of ${series}.${change[2]} and later, and before that it is policy ${before}`;
}
