import { describe, expect, it } from 'vitest';
import {
  ADD,
  DEL,
  made,
  model,
  off,
  slotEvent,
  touch,
  wrmsr,
  zapped,
} from '../../../test/support/model-vm.js';
import type { HostMemoryEvent, MemslotEvent, ModelEvent } from './events.js';

describe('non-coherent DMA', () => {
  it('zaps at the first and the last device, in the eras that do', () => {
    for (const name of ['6.8', '6.11', '7.2']) {
      const vm = model(name, [touch(1)]);
      const first = vm.apply(ADD);
      expect(zapped(first)).toEqual(['1/1 WB+IPAT']);
      expect(first.why).toEqual([
        {
          text: 'the first and the last non-coherent device zap everything',
          source: 'kvm_noncoherent_dma_assignment_start_or_stop(), from 6.7',
        },
      ]);
      vm.apply(touch(1));
      for (const event of [ADD, DEL])
        expect(vm.apply(event)).toMatchObject({ zapped: [], zapCalls: [], why: [] });
      expect(vm.apply(DEL).zapped.length).toBe(1);
    }
    const vm = model('6.1', [touch(1)]);
    for (const event of [ADD, DEL])
      expect(vm.apply(event)).toMatchObject({ zapped: [], zapCalls: [], why: [] });
  });

  it('cannot fall below none', () => {
    const vm = model('7.2', [touch(1)]);
    expect(vm.apply(DEL)).toMatchObject({ refused: 'EINVAL', zapped: [] });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(true);
  });

  it('through a virtio device exists where the kernel has one', () => {
    const virtio: ModelEvent = { kind: 'noncoherent', delta: 1, via: 'virtio' };
    expect(model('7.2').apply(virtio).refused).toBe('ENODEV');
    const vm = model('7.2+P5-device', [virtio, virtio]);
    expect(vm.apply({ ...virtio, delta: -1 })).toMatchObject({ zapped: [] });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(false);
    vm.apply({ ...virtio, delta: -1 });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(true);
    expect(model('7.2').apply({ ...ADD, via: 'vfio' } as ModelEvent).refused).toBeUndefined();
  });
});

describe('quirks', () => {
  it('beyond those supported are refused by KVM_CAP_DISABLE_QUIRKS2', () => {
    const vm = model('7.2', [], { quirksSupported: 0x5ff });
    expect(vm.apply(off(0x200)).refused).toBe('EINVAL');
    expect(vm.apply(off(0x600)).refused).toBe('EINVAL');
    expect(vm.state.disabledQuirks).toBe(2);
    expect(vm.apply({ kind: 'disable-quirks', mask: 0x601, cap: 'quirks' }).refused).toBeUndefined();
    expect(vm.state.disabledQuirks).toBe(0x403);
    expect(vm.expectedLeaf(0, 1)?.ipat).toBe(true);
  });

  it('that need self-snoop are refused on a CPU without, or dropped by the old capability', () => {
    const without = { selfSnoop: false };
    for (const name of ['7.2', '6.12', '7.2+P5']) {
      const vm = model(name, [touch(1)], without);
      expect(vm.apply(off(0x200)).refused).toBe('EINVAL');
      expect(vm.apply({ kind: 'disable-quirks', mask: 0x200, cap: 'quirks' }).refused).toBeUndefined();
      expect(vm.expectedLeaf(0, 2)?.ipat).toBe(true);
      expect(vm.apply(ADD).zapped.length).toBe(1);
      expect(vm.expectedLeaf(0, 2)?.ipat).toBe(false);
    }
    expect(model('npt', [], without).state.disabledQuirks).toBe(0x200);
  });

  it('come back in the kernels that assign, and do not in those that add', () => {
    const old = model('6.1', [off(3), off(1)]);
    expect(old.state.disabledQuirks).toBe(1);
    const young = model('7.2', [off(0x200), off(1)]);
    expect(young.state.disabledQuirks).toBe(0x203);
  });

  it('are disabled from the start only where they are known', () => {
    expect(model('npt').state.disabledQuirks).toBe(0x200);
    expect(model('npt', [], { quirksSupported: 0x1ff }).state.disabledQuirks).toBe(0);
  });

  it('are taken as they come by the old capability of old kernels', () => {
    const vm = model('6.1');
    vm.apply({ kind: 'disable-quirks', mask: 0xff00, cap: 'quirks' });
    expect(vm.state.disabledQuirks).toBe(0xff00);
  });
});

describe('memslots', () => {
  it('that go take every leaf of the VM, or their own', () => {
    const touched = [touch(1), touch(0x8000)];
    const all = model('6.1', touched).apply(slotEvent(1, 0x8000, 0));
    expect(zapped(all)).toEqual(['1/1 WB+IPAT', '8000/1 UC']);
    expect(all.why[0]?.text).toBe('deleting or moving a memslot zaps every leaf of the VM');
    const own = model('7.2', [off(0x80), ...touched]).apply(slotEvent(1, 0x8000, 0));
    expect(zapped(own)).toEqual(['8000/1 UC']);
    expect(own.why[0]).toEqual({
      text: 'deleting or moving a memslot zaps its own leaves',
      source: 'kvm_arch_flush_shadow_memslot()',
    });
    expect(own.zapCalls).toEqual([]);
  });

  it('that move leave nothing behind', () => {
    const vm = model('7.2', [touch(1), touch(0x8000)]);
    expect(vm.apply(slotEvent(1, 0x9000, 0x10, 0, 'mmio')).zapped.length).toBe(2);
    expect(made(vm.apply(touch(0x8000)))).toEqual([]);
    expect(made(vm.apply(touch(0x9000)))).toEqual(['9000/1 UC']);
    const gone = model('7.2', [slotEvent(1, 0x8000, 0)]);
    expect(made(gone.apply(touch(0x8000)))).toEqual([]);
  });

  it('that are added or refused zap nothing', () => {
    const vm = model('7.2', [touch(1)]);
    expect(vm.apply(slotEvent(2, 0x9000, 1))).toMatchObject({ zapped: [], why: [] });
    expect(vm.apply(slotEvent(3, 0x9000, 1))).toMatchObject({ refused: 'EEXIST', zapped: [] });
    expect(vm.apply(slotEvent(3, 0x9001, 1, 8))).toMatchObject({ refused: 'EINVAL', zapped: [] });
    expect(made(vm.apply(touch(0x9000)))).toEqual(['9000/1 WB+IPAT']);
  });

  it('with the flag in its earlier spelling have MTRR writes zap, as non-coherent DMA does', () => {
    const def = wrmsr(0x2ff, 0x806n);
    const flagged = model('A+P5-memslot-mtrr', [slotEvent(2, 0x2000, 2, 8), touch(0x2000), touch(1)]);
    expect(zapped(flagged.apply(def))).toEqual(['1/1 WB+IPAT', '2000/1 UC']);
    expect(made(flagged.apply(touch(0x2000)))).toEqual(['2000/1 WB']);
    const none = model('A+P5-memslot-mtrr', [slotEvent(2, 0x2000, 2), touch(0x2000)]);
    expect(none.apply(def).zapCalls).toEqual([]);
  });

  it('take the proposed flag where the kernel has it, under the bit that was told', () => {
    const flagged = model('7.2+P5-memslot', [slotEvent(2, 0x2000, 2, 16)], { memslotFlag: 16 });
    expect(made(flagged.apply(touch(0x2000)))).toEqual(['2000/1 WB']);
    expect(made(flagged.apply(touch(0)))).toEqual(['0/1 WB+IPAT']);
    expect(flagged.apply(slotEvent(2, 0x2000, 2, 0)).refused).toBe('EINVAL');
    expect(flagged.apply(slotEvent(3, 0x3000, 2, 8)).refused).toBe('EINVAL');
    expect(model('7.2+P5-memslot').apply(slotEvent(2, 0x2000, 2, 8)).refused).toBeUndefined();
  });
});

describe('the memory of two slots', () => {
  const memory = (fields: object) => ({ ...slotEvent(2, 0x2000, 4), memory: 7, ...fields }) as MemslotEvent;
  const host = (op: HostMemoryEvent['op'], first: number, npages: number) =>
    ({ kind: 'host-memory', op, memory: 7, first, npages }) as const;
  const two = (events: ModelEvent[]) =>
    model('6.1', [memory({}), memory({ slot: 3, gfn: 0x3000, npages: 2, offset: 2 }), ...events]);

  it('goes from both, to the last page', () => {
    const vm = two([0x2002, 0x2003, 0x3000, 0x3001].map((gfn) => touch(gfn)));
    expect(zapped(vm.apply(host('discard', 3, 1)))).toEqual(['2003/1 WB+IPAT', '3001/1 WB+IPAT']);
    expect(zapped(vm.apply(host('discard', 0, 2)))).toEqual([]);
    expect(vm.clone().apply(host('unmap', 2, 9)).zapped.length).toBe(2);
  });

  it('is mapped read-only where the host lets it only be read, and not at all where it is gone', () => {
    const vm = two([host('protect', 2, 1), host('unmap', 3, 1)]);
    const writable = (gfn: number) => vm.expectedLeaf(0, gfn)?.writable;
    expect([0x2001, 0x2002, 0x2003, 0x3000, 0x3001].map(writable)).toEqual([
      true,
      false,
      undefined,
      false,
      undefined,
    ]);
    expect(vm.clone().expectedLeaf(0, 0x2002, 'write')).toBeUndefined();
    vm.apply(host('unprotect', 2, 1));
    expect(writable(0x3000)).toBe(true);
  });
});

describe('discard', () => {
  it('zaps what the host took back', () => {
    const vm = model('6.1', [touch(1), touch(2), touch(0x200, { level: 2 })]);
    const effect = vm.apply({ kind: 'host-memory', op: 'discard', memory: 0, first: 2, npages: 0x1ff });
    expect(zapped(effect)).toEqual(['2/1 WB+IPAT', '200/2 WB+IPAT']);
    expect(effect).toMatchObject({
      zapCalls: [],
      why: [{ text: 'the host discarded the memory', source: 'kvm_unmap_gfn_range()' }],
    });
    expect(
      vm.apply({ kind: 'host-memory', op: 'discard', memory: 0, first: 1, npages: 2 ** 45 }).zapped.length,
    ).toBe(1);
  });
});
