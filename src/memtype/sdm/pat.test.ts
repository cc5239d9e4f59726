import { describe, expect, it } from 'vitest';
import { PAT_RESET } from '../../arch/msrs.js';
import { patType } from './pat.js';

describe('PAT', () => {
  it('holds WB WT UC- UC twice after reset', () => {
    const types = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => patType(PAT_RESET, i));
    expect(types).toEqual(['WB', 'WT', 'UC-', 'UC', 'WB', 'WT', 'UC-', 'UC']);
  });

  it('decodes every type in every entry', () => {
    const types = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => patType(0x0607_0504_0100_0706n, i));
    expect(types).toEqual(['WB', 'UC-', 'UC', 'WC', 'WT', 'WP', 'UC-', 'WB']);
  });

  it('is WB while paging is off', () => {
    expect(patType(0n, undefined)).toBe('WB');
  });

  it.each([2n, 3n, 8n, 255n])('refuses the reserved encoding %s', (encoding) => {
    expect(() => patType(encoding << 16n, 2)).toThrow(
      new RangeError(`PAT entry 2 of 0x${(encoding << 16n).toString(16)} is reserved`),
    );
  });
});
