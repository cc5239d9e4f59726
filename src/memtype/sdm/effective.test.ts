import { describe, expect, it } from 'vitest';
import { MEM_TYPES, type MemType, PAT_TYPES, type PatType } from '../../arch/memory-types.js';
import { effectiveCell, effectiveType } from './effective.js';

// Written from the SDM's table, one line a cell: MTRR or EPT type, PAT type, effective type; '*' once undefined.
const SDM = `
UC UC  UC
UC UC- UC
UC WC  WC
UC WT  UC
UC WP  UC
UC WB  UC
WC UC  UC
WC UC- WC
WC WC  WC
WC WT  UC*
WC WP  UC*
WC WB  WC
WT UC  UC
WT UC- UC
WT WC  WC
WT WT  WT
WT WP  WP*
WT WB  WT
WP UC  UC
WP UC- WC*
WP WC  WC
WP WT  WT*
WP WP  WP
WP WB  WP
WB UC  UC
WB UC- UC
WB WC  WC
WB WT  WT
WB WP  WP
WB WB  WB`;

const CELLS = SDM.trim()
  .split('\n')
  .map((line) => line.split(/\s+/) as [MemType, PatType, string]);

describe('effective types', () => {
  it('has all thirty cells', () => {
    expect(new Set(CELLS.map(([row, column]) => `${row} ${column}`)).size).toBe(
      MEM_TYPES.length * PAT_TYPES.length,
    );
  });

  it.each(CELLS)('%s with PAT %s is %s', (row, column, cell) => {
    const onceUndefined = cell.endsWith('*');
    const type = cell.replace('*', '');
    expect(effectiveCell(row, column)).toEqual({ type, onceUndefined });
    expect(effectiveType(row, false, column)).toBe(type);
  });

  it('does not depend on the PAT with IPAT', () => {
    for (const ept of MEM_TYPES) {
      expect(new Set(PAT_TYPES.map((pat) => effectiveType(ept, true, pat)))).toEqual(new Set([ept]));
    }
  });

  it('is the PAT type without a type in the leaf', () => {
    const types = PAT_TYPES.map((pat) => effectiveType('none', false, pat));
    expect(types).toEqual(['UC', 'WC', 'WT', 'WP', 'WB', 'UC']);
  });
});
