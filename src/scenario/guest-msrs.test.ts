import { expect, test } from 'vitest';
import { model } from '../../test/support/model-vm.js';
import { MSR } from '../arch/msrs.js';
import type { ModelEvent } from '../memtype/index.js';
import { GuestMsrs } from './guest-msrs.js';

const msrs = (by: 'guest' | 'host', msr: number, value?: bigint): ModelEvent => ({
  kind: 'msrs',
  vcpu: 0,
  by,
  ops: [value === undefined ? { msr } : { msr, value }],
});

// What comes after a write by the host, and by the guest, of each MSR: what the guest reads, and what KVM has.
test.each([
  ['filter-drop', 0x805n, 0x6n, 0x806n],
  ['filter', 0x805n, 0x6n, 0x805n],
] as const)('with %s the guest reads what it wrote, else what KVM has', (msrMode, wrote, fromHost, kvm) => {
  const guest = new GuestMsrs(model('6.1'), { msrMode });
  const dropped = msrMode === 'filter-drop';

  guest.apply(msrs('host', MSR.PHYSBASE0, fromHost));
  guest.apply(msrs('guest', MSR.DEF_TYPE, wrote), dropped);
  if (dropped) guest.apply(msrs('host', MSR.DEF_TYPE, kvm));
  const read = (msr: number) => guest.apply(msrs('guest', msr), dropped).msrs;

  expect(read(MSR.PHYSBASE0)).toEqual([fromHost]);
  expect(read(MSR.DEF_TYPE)).toEqual([wrote]);
  expect(guest.model.rdmsr(0, MSR.DEF_TYPE)).toBe(kvm);
});

test('a write that KVM refuses changes nothing that the guest reads', () => {
  const guest = new GuestMsrs(model('6.1'), { msrMode: 'filter-drop' });

  guest.apply(msrs('host', MSR.DEF_TYPE, 0x2n));

  expect(guest.apply(msrs('guest', MSR.DEF_TYPE), true).msrs).toEqual([0n]);
});
