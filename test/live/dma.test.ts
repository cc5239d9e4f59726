/** @module-tag kvm */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DMA_WAYS } from '../../src/arch/dma-ways.js';
import { DmaError, NoncoherentDma } from '../../src/dma/index.js';
import { Kvm } from '../../src/kvm/index.js';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

test('every provider can be had, or says in a sentence why not and what would lift it', () => {
  using kvm = Kvm.open();
  const dma = new NoncoherentDma({ kvm, device: null });

  for (const name of DMA_WAYS) {
    const missing = dma.missing(name);
    if (missing !== undefined)
      expect([name, missing.reason, missing.lift]).toEqual([
        name,
        expect.stringMatching(/\w/),
        expect.stringMatching(/\w/),
      ]);
  }
  expect(dma.missing('vfio-noiommu')?.reason).toBe('no device was named for non-coherent DMA');
});

test('asking what there is leaves no file open and no memory behind', () => {
  using kvm = Kvm.open();
  const ask = (): void => {
    const dma = new NoncoherentDma({ kvm, device: null });
    for (const name of DMA_WAYS) dma.missing(name);
    dma.close();
  };
  ask();
  const before = openFiles();

  for (let i = 0; i < 20; i++) ask();

  expect(openFiles()).toBe(before);
});

test('a device that is not there is told apart from none named', () => {
  using kvm = Kvm.open();
  const dma = new NoncoherentDma({ kvm, device: '0000:ff:1f.7' });

  expect(dma.device).toBeUndefined();
  expect(dma.missing('vfio-type1')?.reason).toBe('there is no PCI device 0000:ff:1f.7');
});

test('attaching through what cannot be had fails with the kernel’s errno or a sentence, and leaves nothing', () => {
  using kvm = Kvm.open();
  using vm = kvm.createVm();
  const dma = new NoncoherentDma({ kvm, device: null, virtioType: 30 });
  const target = { vm, remakeRam: () => {} };
  const before = openFiles();

  expect(() => dma.attach(target, 'vfio-noiommu')).toThrow(DmaError);
  expect(() => dma.attach(target, 'virtio-device')).toThrow(expect.objectContaining({ errnoName: 'ENODEV' }));

  dma.close();
  expect(openFiles()).toBe(before);
});

test('a number that is told is looked at alone', () => {
  using kvm = Kvm.open();

  const dma = new NoncoherentDma({ kvm, device: null, virtioType: 4, memslotFlag: 1 << 9 });

  // KVM_DEV_TYPE_VFIO has another attribute beside the proposal's.
  expect(dma.virtio).toEqual({ type: 4, present: false });
  expect(dma.memslot).toEqual({ flag: 1 << 9, present: false });
});
