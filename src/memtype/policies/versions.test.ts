import { describe, expect, it } from 'vitest';
import { ALL_POLICIES, policies } from './index.js';
import {
  findPolicy,
  isBefore,
  NEWEST_POLICY,
  policyAssumption,
  policyForVersion,
  policyWithPaging,
  readVersion,
  UnknownPolicyError,
} from './versions.js';

const NONE = undefined;

describe('readVersion', () => {
  // What uname -r says: major, minor, patch, candidate.
  it.each([
    ['6.1.0-28-amd64', 6, 1, NONE, NONE],
    ['5.10.0-0.bpo.9-amd64', 5, 10, NONE, NONE],
    ['5.15.0-91-generic', 5, 15, NONE, NONE],
    ['6.4.0-150600.23.25-default', 6, 4, NONE, NONE],
    ['5.14.0-503.11.1.el9_5.x86_64', 5, 14, NONE, NONE],
    ['6.12.85+deb13-amd64', 6, 12, 85, NONE],
    ['6.12.9+bpo-amd64', 6, 12, 9, NONE],
    ['6.18.44-fc-v782', 6, 18, 44, NONE],
    ['6.11.4-301.fc41.x86_64', 6, 11, 4, NONE],
    ['6.6.87.2-microsoft-standard-WSL2', 6, 6, 87, NONE],
    ['6.1.192-2', 6, 1, 192, NONE],
    ['6.12.0', 6, 12, 0, NONE],
    ['6.12.0-dirty', 6, 12, 0, NONE],
    ['6.12.0-00012-gabcdef012345', 6, 12, 0, NONE],
    ['6.12.0-061200-generic', 6, 12, 0, NONE],
    ['6.18.0+', 6, 18, 0, NONE],
    ['6.12.0-own-30-amd64', 6, 12, 0, NONE],
    ['6.12.5-own-rc3', 6, 12, 5, NONE],
    ['5.15.167.14-microsoft-standard-WSL2', 5, 15, 167, NONE],
    ['6.12.1_1', 6, 12, 1, NONE],
    ['6.11.0-rc3', 6, 11, 0, 3],
    ['6.11-rc12-next-1', 6, 11, NONE, 12],
    ['6.11~rc4-1', 6, 11, NONE, 4],
    ['6.11.0-0.rc3.20240815git1fb918967b56.fc42.x86_64', 6, 11, 0, 3],
    ['6.11.0-061100rc3-generic', 6, 11, 0, 3],
    ['v6.6', 6, 6, NONE, NONE],
    ['10.0', 10, 0, NONE, NONE],
  ])('%s', (text, major, minor, patch, candidate) => {
    expect(readVersion(text)).toEqual({ major, minor, patch, candidate });
  });

  it.each([
    '',
    '6',
    '6.',
    'x7.2',
    ' 6.1',
    '6.1 ',
    '6.1\n',
    'vv6.1',
    '6.1.2.3',
    '6.1.',
    '6.1+P9',
    '6.1.2foo',
    '6.1-a b',
  ])("'%s' is no version", (text) => {
    expect(readVersion(text)).toBeUndefined();
  });
});

describe('policyForVersion', () => {
  it.each([
    ['4.1', undefined],
    ['3.10.0', undefined],
    ['4.3.6', undefined],
    ['4.4', 'A-4.4'],
    ['4.4.0-21-generic', 'A-4.4'],
    ['5.10.251', 'A-4.4'],
    ['5.19.17', 'A-4.4'],
    ['6.0-rc1', 'A'],
    ['6.0', 'A'],
    ['6.12.0-30-amd64', 'E-6.12'],
    ['6.12.0-00012-gabcdef012345', 'D'],
    ['6.1.192-2', 'A'],
    ['6.4.16', 'A-6.2'],
    ['6.1.200', 'A'],
    ['6.2.0', 'A-6.2'],
    ['6.5', 'A-6.5'],
    ['6.6.100', 'A-6.5'],
    ['6.7.0', 'B-6.7'],
    ['6.8.0', 'B'],
    ['6.10.14', 'B'],
    ['6.11-rc1', 'C'],
    ['6.11.0-rc7', 'C'],
    ['6.11.5-rc1', 'D-6.11'],
    ['6.12.78-rc1', 'E-6.12'],
    ['6.11-rc8', 'D-6.11'],
    ['6.11-rc10', 'D-6.11'],
    ['6.11', 'D-6.11'],
    ['6.12.0', 'D'],
    ['6.12.77', 'D'],
    ['6.12.78', 'E-6.12'],
    ['6.12.107+deb13-amd64', 'E-6.12'],
    ['6.12', 'E-6.12'],
    ['6.12-rc3', 'D'],
    ['5.11-rc3', 'A-4.4'],
    ['7.11-rc1', 'E'],
    ['6.10-rc7', 'B'],
    ['6.13.0', 'D-6.13'],
    ['6.15.99', 'D-6.13'],
    ['6.16', 'E'],
    ['7.2.13', 'E'],
    ['10.0', 'E'],
    ['6', undefined],
    ['v6.1', 'A'],
    ['6.1+P2', undefined],
    ['', undefined],
  ])('%s is %s', (version, name) => {
    expect(policyForVersion(version)?.name).toBe(name);
  });
});

describe('identity', () => {
  it.each(ALL_POLICIES.map((policy) => [policy.name, policy] as const))('%s', (name, policy) => {
    const base = ALL_POLICIES.find((other) => other.name === policy.base);
    expect([policy.base, ...policy.proposals].join('+')).toBe(name);
    expect(base).toMatchObject({ era: policy.era, versions: policy.versions, proposals: [] });
    expect(base?.paging).toBe(policy.paging);
  });

  it.each(['ept', 'npt', 'shadow'] as const)('with %s every kernel has one policy', (paging) => {
    const kernels = [
      '4.4',
      '5.19',
      '6.0',
      '6.4',
      '6.5',
      '6.6',
      '6.7',
      '6.10',
      '6.11-rc1',
      '6.11-rc7',
      '6.11-rc8',
    ];
    for (const kernel of [...kernels, '6.12.77', '6.12.78', '6.12', '6.13', '6.15', '6.16', '99.0']) {
      const numbers = findPolicy(kernel);
      const policy = policyWithPaging(numbers, paging);
      expect([kernel, policy.paging, policy.proposals]).toEqual([kernel, paging, []]);
      if (paging === 'ept') expect(policy).toBe(numbers);
    }
  });

  it.each([
    ['A-4.4', 'npt-A-4.4', 'none-A-4.4'],
    ['A', 'npt-A', 'none-A'],
    ['A-6.2', 'npt-A-6.2', 'none-A'],
    ['A-6.5', 'npt-A-6.5', 'none-A-6.5'],
    ['B-6.7', 'npt-D-6.11', 'none-D-6.11'],
    ['B', 'npt-D-6.11', 'none-D-6.11'],
    ['C', 'npt-D-6.11', 'none-D-6.11'],
    ['D-6.11', 'npt-D-6.11', 'none-D-6.11'],
    ['D', 'npt-D', 'none-D'],
    ['D-6.13', 'npt-D-6.13', 'none-D-6.13'],
    ['E-6.12', 'npt-E-6.12', 'none-E-6.12'],
    ['E', 'npt', 'none'],
    ['A+P2', 'npt-A', 'none-A'],
    ['E-6.12+P5', 'npt-E-6.12', 'none-E-6.12'],
  ])('the kernels of %s have %s with nested paging and %s with shadow paging', (name, npt, shadow) => {
    const policy = findPolicy(name);
    expect(policyWithPaging(policy, 'npt').name).toBe(npt);
    expect(policyWithPaging(policy, 'shadow').name).toBe(shadow);
    expect(policyWithPaging(policy, 'ept').name).toBe(policy.base);
  });

  it('tells the newest kernels', () => {
    expect(NEWEST_POLICY.name).toBe('E');
    expect(policyForVersion('99.0')).toBe(NEWEST_POLICY);
  });
});

describe('findPolicy', () => {
  it('takes names, aliases and versions', () => {
    expect(
      [
        'A',
        '6.1',
        '6.1.50',
        '6.11-rc',
        '6.11-rc5',
        '6.11-rc10',
        '10.0',
        '7.2+P5-device',
        'none',
        '6.1.0-28-amd64',
        '6.14.3',
      ].map((name) => findPolicy(name).name),
    ).toEqual(['A', 'A', 'A', 'C', 'C', 'D-6.11', 'E', 'E+P5-device', 'none', 'A', 'D-6.13']);
  });

  it('gives a version the same policy whether it is an alias or not', () => {
    const versions = ALL_POLICIES.flatMap(({ name, aliases }) =>
      aliases
        .filter((alias) => alias !== '6.11-rc' && readVersion(alias) !== undefined)
        .map((alias) => [alias, name] as const),
    );
    expect(versions.length).toBeGreaterThan(20);
    for (const [alias, name] of versions) expect(policyForVersion(alias)?.name).toBe(name);
  });

  it.each(['F', '6.1+P9', '3.2', '4.3', ' 6.1', '6.1.2.3', 'x7.2', ''])('refuses %s', (name) => {
    expect(() => findPolicy(name)).toThrow(UnknownPolicyError);
  });

  it('names what there is', () => {
    expect(() => findPolicy('F')).toThrow(
      /^no policy is called 'F'; there are A-4\.4, A, A-6\.2, A-6\.5, B, .*, npt-A-4\.4, and kernel versions such as 6\.1 or what uname -r says$/,
    );
    const error = new UnknownPolicyError('x');
    expect([error.message, error.name, error.code]).toEqual(['x', 'UnknownPolicyError', 'MEMTYPE_POLICY']);
  });

  it('says where policies start to whom has an older kernel', () => {
    expect(() => findPolicy('4.2.8')).toThrow(
      /^kernel '4\.2\.8' is older than 4\.4, where the oldest policy \(A-4\.4\) starts: before, host MMIO/,
    );
  });
});

describe('policyAssumption', () => {
  it.each(['6.12', 'v6.12', '6.12.0-30-amd64'])('%s: which 6.12.y', (name) => {
    expect(policyAssumption(name)).toBe(
      `'${name}' does not tell which 6.12.y it is: policy E-6.12 is that of 6.12.78 and later, and before that it is policy D`,
    );
  });

  it('of a Red Hat kernel is its number', () => {
    expect(policyAssumption('5.14.0-503.11.1.el9_5.x86_64')).toBe(
      "'5.14.0-503.11.1.el9_5.x86_64' is a Red Hat kernel, whose KVM is newer than its number: policy A-4.4 is what the number says",
    );
    expect(policyAssumption('6.12.5-1.el10.x86_64')).toMatch(/: policy D is what the number says$/);
  });

  it.each([
    'E',
    'none',
    '7.2+P5',
    'x',
    '6.1',
    '6.11-rc',
    '6.12.0',
    '6.12.85+deb13-amd64',
    '6.12-rc3',
    '6.1.0-28-amd64',
    '7.12',
    '6.16',
  ])('%s leaves nothing open', (name) => {
    expect(policyAssumption(name)).toBeUndefined();
  });
});

it.each(['A', 'B', 'C', 'D', 'E'])('the policy named %s is of the era of that name', (era) => {
  expect(policies.get(era)?.era).toBe(era);
});

describe('isBefore', () => {
  it.each<[string, boolean]>([
    ['6.1', true],
    ['6.7.12', true],
    ['6.8.0-31-generic', false],
    ['A', true],
    ['A+P2', true],
    ['B', false],
    ['E', false],
    ['npt-A', true],
    ['no such policy', false],
  ])('%s is before 6.8: %s', (name, before) => {
    expect(isBefore(name, [6, 8])).toBe(before);
  });
});
