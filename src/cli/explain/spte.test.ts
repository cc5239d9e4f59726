import { describe, expect, it } from 'vitest';
import { explain, explainJson as json } from '../../../test/support/explain.js';

describe('explain --spte of an entry that maps nothing', () => {
  // REMOVED_SPTE and FROZEN_SPTE, SHADOW_NONPRESENT_VALUE and MMIO entries of arch/x86/kvm/mmu/spte.h, 6.1 to 7.2.
  it.each([
    ['0', '1', /6\.1 +not mapped\n/],
    ['0', '2', /6\.1 +not mapped\n/],
    ['0x8000000000000000', '1', /7\.2, 7\.3 +not mapped\n/],
    ['0x5a0', '1', /6\.1 +being changed\n/],
    ['0x80000000000005a0', '1', /6\.12 +being changed\n/],
    ['0x80000000000001a0', '1', /7\.2, 7\.3 +being changed\n/],
    ['0x1006', '1', /6\.1 +MMIO without a memslot\n/],
  ])('%s at level %s has no type, and no policy makes it', async (spte, level, kind) => {
    const text = await explain('--spte', spte, '--level', level);
    expect(text).toMatch(kind);
    expect(text).not.toMatch(/\n +type /);
    expect(text).toMatch(/\nIt maps nothing: no memory type is in it\.\n$/);
    expect(await json('--spte', spte, '--level', level)).toMatchObject({
      type: null,
      ipat: null,
      maps: false,
      policies: [],
    });
  });

  it('has only kernels make an entry that take it for a leaf', async () => {
    // Bit 11 is clear, which is MMU-writable in 5.10, and MMU-present later.
    expect((await json('--spte', '0x1234577')).policies).toEqual(['A-4.4']);
    // Permissions that are kept for later, as the entry has no accessed bit.
    expect(await json('--spte', '0x50000001234870')).toMatchObject({ type: 'WB', ipat: true, maps: true });
  });
});
