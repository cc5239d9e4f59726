import { describe, expect, test } from 'vitest';
import { guestCpuid, maxPhyAddrOf } from './cpuid.js';

const leaf = (fn: number, o: object = {}) => ({
  function: fn,
  index: 0,
  flags: 0,
  eax: 0,
  ebx: 0,
  ecx: 0,
  edx: 0,
  ...o,
});
const supported = [
  leaf(1, { ebx: 0xff010800, edx: 0xffffffff }),
  leaf(0xb, { edx: 9 }),
  leaf(0x80000008, { eax: 0x3027 }),
];

describe('guestCpuid', () => {
  test('each vCPU has its own APIC id', () => {
    const [one, extended] = guestCpuid(supported, 3);

    expect(one?.ebx).toBe(0x03010800);
    expect(extended?.edx).toBe(3);
  });

  test('MTRR and MAXPHYADDR are as asked for', () => {
    const [without, , address] = guestCpuid(supported, 0, { mtrr: false, maxPhyAddr: 52 });
    const [withMtrr] = guestCpuid([leaf(1)], 0, { mtrr: true });

    expect(without?.edx).toBe(0xffffefff);
    expect(withMtrr?.edx).toBe(0x1000);
    expect(address?.eax).toBe(0x3034);
  });

  test('a hypervisor shows or not', () => {
    const [without] = guestCpuid([leaf(1, { ecx: 0x80000001 })], 0, { hypervisor: false });
    const [shown] = guestCpuid([leaf(1, { ecx: 1 })], 0, { hypervisor: true });

    expect([without?.ecx, shown?.ecx]).toEqual([1, 0x80000001]);
  });

  test('nothing else changes', () => {
    const [one, , address] = guestCpuid(supported, 0);

    expect(one?.edx).toBe(0xffffffff);
    expect(address).toEqual(supported[2]);
  });
});

test('MAXPHYADDR is the leaf, or what KVM takes without one', () => {
  expect(maxPhyAddrOf(supported)).toBe(39);
  expect(maxPhyAddrOf([])).toBe(36);
});
