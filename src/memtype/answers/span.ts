import { compareVersion, isRedHat, readVersion } from '../policies/versions.js';
import type { VersionRange } from '../policy.js';

/** The kernels that a release string can stand for, by their numbers; both ends included. */
export interface VersionSpan {
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const ANY: VersionSpan = { first: [0], last: [Number.POSITIVE_INFINITY] };

/** One kernel where the release tells its patch level; else its whole series; any kernel where it tells nothing. */
export function versionSpan(release: string): VersionSpan {
  const version = readVersion(release);
  if (version === undefined || isRedHat(release)) return ANY;
  const { major, minor, patch, candidate } = version;
  const newest = Number.POSITIVE_INFINITY;
  if (patch === undefined && candidate === undefined)
    return { first: [major, minor, 0, 0], last: [major, minor, newest, newest] };
  const number = [major, minor, patch ?? 0, candidate ?? newest];
  return { first: number, last: number };
}

/** How many of the kernels of a span are in a range. */
export function shareOf({ first, last }: VersionSpan, range: VersionRange): 'all' | 'some' | 'none' {
  const end = range.last;
  if (compareVersion(last, range.first) < 0) return 'none';
  if (end !== undefined && compareVersion(first, end) > 0) return 'none';
  const endsInside = end === undefined || compareVersion(last, end) <= 0;
  return compareVersion(first, range.first) >= 0 && endsInside ? 'all' : 'some';
}
