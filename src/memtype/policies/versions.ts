import type { Policy, VersionPrefix } from '../policy.js';
import { ALL_POLICIES, policies } from './index.js';

/** The policies of kernels as they were released, without a proposal. */
const RELEASED = ALL_POLICIES.filter(({ proposals }) => proposals.length === 0);
const WITH_EPT = RELEASED.filter(({ paging }) => paging === 'ept');

/** The policy of the newest kernels, which is taken where nothing tells the version. */
export const NEWEST_POLICY = WITH_EPT.find(({ versions }) => versions.last === undefined) as Policy;

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

/** Whether a release is one of Red Hat's, whose KVM is newer than the number says. */
export const isRedHat = (release: string): boolean => RED_HAT.test(release);

/** Whether a number lies below (negative), within (0) or above what a prefix stands for. */
export function compareVersion(number: readonly number[], prefix: VersionPrefix): number {
  const i = prefix.findIndex((n, at) => n !== number[at]);
  return i < 0 ? 0 : (number[i] as number) - (prefix[i] as number);
}

/** The policy, among these, of the kernel with this major, minor, patch level and candidate. */
const policyAt = (candidates: readonly Policy[], number: readonly number[]): Policy | undefined =>
  candidates.find(
    ({ versions: { first, last } }) =>
      compareVersion(number, first) >= 0 && (last === undefined || compareVersion(number, last) <= 0),
  );

/** A release counts as later than all of its candidates; the newest of a series stands for one that is not told. */
function numberOf({ major, minor, patch, candidate }: KernelVersion): number[] {
  const last = Number.POSITIVE_INFINITY;
  return [major, minor, patch ?? (candidate === undefined ? last : 0), candidate ?? last];
}

/**
 * The policy that a kernel of this version has by its number alone, such as '6.1.192-2', '6.12', '6.11-rc3' or
 * '5.15.0-91-generic'; undefined if it is no version, or one before 4.4. A hint only: stable series and distributions
 * backport. Without a patch level the newest known of the series counts.
 */
export function policyForVersion(version: string): Policy | undefined {
  const read = readVersion(version);
  return read && policyAt(WITH_EPT, numberOf(read));
}

/** The policy that the kernels of another one have where they map guests in this way. */
export function policyWithPaging({ versions: { first } }: Policy, paging: Policy['paging']): Policy {
  const candidates = RELEASED.filter((policy) => policy.paging === paging);
  const [major, minor = 0, patch = 0, candidate = 0] = first;
  return policyAt(candidates, [major, minor, patch, candidate]) as Policy;
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
  if (isRedHat(name))
    return `'${name}' is a Red Hat kernel, whose KVM is newer than its number: policy ${policy} is what the number says`;
  if (patch !== undefined || candidate !== undefined) return undefined;
  const firsts = WITH_EPT.map(({ versions }) => versions.first);
  const [, , from = 0] = firsts.find(([x, y, z = 0]) => x === major && y === minor && z > 0) ?? [0];
  if (from === 0) return undefined;
  const series = `${major}.${minor}`;
  const before = findPolicy(`${series}.0`).name;
  return `'${name}' does not tell which ${series}.y it is: policy ${policy} is that of ${series}.${from} and later, and before that it is policy ${before}`;
}

/** Whether a name is a kernel version below another one; a policy's name tells it where all of its kernels are. */
export function isBefore(name: string, version: readonly [major: number, minor: number]): boolean {
  const read = readVersion(name);
  if (read !== undefined) return compareVersion([read.major, read.minor], version) < 0;
  const last = policies.get(name)?.versions.last;
  return last !== undefined && compareVersion([last[0], last[1] ?? Number.POSITIVE_INFINITY], version) < 0;
}
