import { expect, test } from 'vitest';
import { parseTrace } from './events.js';

const LEAF = '600000010a400b77';

test('events go to the step whose marker came before them', () => {
  const text = [
    'tracing_mark_write: step 0',
    `kvm_tdp_mmu_spte_changed: as id 0 gfn 400 level 1 old_spte 0 new_spte ${LEAF}`,
    `kvm_mmu_set_spte: gfn 400 spte ${LEAF} (rwxu) level 1 at 4a3e000`,
    'tracing_mark_write: step 1',
    'kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 0 used_pages 4',
  ].join('\n');

  const steps = parseTrace(text);

  expect(steps.get(0)).toEqual([
    { kind: 'change', gfn: 0x400, level: 1, old: 0n, new: BigInt(`0x${LEAF}`) },
    { kind: 'set', gfn: 0x400, level: 1, spte: BigInt(`0x${LEAF}`) },
  ]);
  expect(steps.get(1)).toEqual([{ kind: 'zap-all' }]);
});

test('changes of tables, of frozen entries and of SMM are left out', () => {
  const text = [
    'kvm_tdp_mmu_spte_changed: as id 0 gfn 0 level 2 old_spte 0 new_spte 10a401907',
    'kvm_tdp_mmu_spte_changed: as id 0 gfn 400 level 1 old_spte 5a0 new_spte 0',
    `kvm_tdp_mmu_spte_changed: as id 1 gfn 400 level 1 old_spte 0 new_spte ${LEAF}`,
  ].join('\n');

  expect(parseTrace(text).get(-1)).toEqual([]);
});

test.each([
  ['CPU:0 [LOST 12 EVENTS]'],
  ['kvm_tdp_mmu_spte_changed: nonsense'],
  ['kvm_tdp_mmu_spte_changed: as id 0 gfn 1 level 6 old_spte 0 new_spte 0'],
  ['kvm_tdp_mmu_spte_changed: as id 0 gfn 10000000000 level 1 old_spte 0 new_spte 0'],
])('%s is an error', (line) => {
  expect(() => parseTrace(line)).toThrowError(expect.objectContaining({ code: 'TRACE' }));
});
