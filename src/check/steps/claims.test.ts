import { expect, test } from 'vitest';
import { findPolicy } from '../../memtype/index.js';
import { claimFor } from './claims.js';

// Each row: the claims, a policy, and the one of the claims that is about it.
test.each([
  [{ A: 'a' }, 'A', 'a'],
  [{ A: 'a' }, 'A-4.4', 'a'],
  [{ A: 'a' }, 'A+P5-memslot-mtrr', 'a'],
  [{ A: 'a' }, 'E', undefined],
  [{ A: 'a', 'A-4.4': 'a44' }, 'A-4.4', 'a44'],
  [{ A: 'a', 'A+P2': 'p2' }, 'A+P2', 'p2'],
  [{ A: 'a', 'A+P2': 'p2' }, 'A', 'a'],
  [{ E: 'e', 'E-6.12': 'e612' }, 'E-6.12+P5', 'e612'],
  [{ E: 'e', 'E-6.12': 'e612', 'E+P5': 'p5' }, 'E-6.12+P5', 'p5'],
  [{ E: 'e', 'E-6.12': 'e612', 'E+P5': 'p5', 'E-6.12+P5': 'own' }, 'E-6.12+P5', 'own'],
  [{ E: 'e', 'E+P5-device': 'device' }, 'E+P5', 'e'],
  [{ E: 'e' }, 'npt', undefined],
  [{ A: 'a' }, 'none-A', undefined],
])('of %j policy %s has %s', (claims, name, expected) => {
  expect(claimFor(claims, findPolicy(name))).toBe(expected);
});
