import { describe, expect, it } from 'vitest';
import { findPolicy, policyForVersion, UnknownPolicyError } from './versions.js';

describe('policyForVersion', () => {
  it.each([
    ['4.1', undefined],
    ['3.10.0', undefined],
    ['4.2.0', 'A'],
    ['5.10.251', 'A'],
    ['6.1.192-2', 'A'],
    ['6.4.16', 'A'],
    ['6.5', 'A-6.5'],
    ['6.6.100', 'A-6.5'],
    ['6.7.0', 'B'],
    ['6.10.14', 'B'],
    ['6.11-rc1', 'C'],
    ['6.11.0-rc7', 'C'],
    ['6.11-rc8', 'D'],
    ['6.11-rc10', 'D'],
    ['6.11', 'D'],
    ['6.12.0', 'D'],
    ['6.12.77', 'D'],
    ['6.12.78', 'E-6.12'],
    ['6.12.107+deb13-amd64', 'E-6.12'],
    ['6.12', 'E-6.12'],
    ['6.12-rc3', 'D'],
    ['6.13.0', 'D-6.13'],
    ['6.15.99', 'D-6.13'],
    ['6.16', 'E'],
    ['7.2.13', 'E'],
    ['10.0', 'E'],
    ['6', undefined],
    ['v6.1', undefined],
    ['', undefined],
  ])('%s is %s', (version, name) => {
    expect(policyForVersion(version)?.name).toBe(name);
  });
});

describe('findPolicy', () => {
  it('takes names, aliases and versions', () => {
    expect(
      ['A', '6.1', '6.1.50', '6.11-rc', '6.11-rc5', '6.11-rc10', '10.0', '7.2+P5-device', 'none'].map(
        (name) => findPolicy(name).name,
      ),
    ).toEqual(['A', 'A', 'A', 'C', 'C', 'D', 'E', 'E+P5-device', 'none']);
  });

  it.each(['F', '6.1+P9', '3.2', ' 6.1', '6.1.2.3', 'x7.2'])('refuses %s', (name) => {
    expect(() => findPolicy(name)).toThrow(UnknownPolicyError);
  });

  it('names what there is', () => {
    const error = new UnknownPolicyError('F');
    expect(error.message).toMatch(
      /^no policy is called 'F'; there are A, A-6\.5, B, .*, npt-A, and kernel versions$/,
    );
    expect([error.name, error.code]).toEqual(['UnknownPolicyError', 'MEMTYPE_POLICY']);
  });
});
