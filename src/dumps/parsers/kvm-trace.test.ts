import { expect, it } from 'vitest';
import { factsOf, namedIn } from '../../../test/support/dumps.js';

const PAT = { what: 'msr', msr: 0x277, value: 0x7040600070406n };

it.each([
  ['tracefs', ' CPU 1/KVM-4711    [002] ..... 100.000001: kvm_msr: msr_write 277 = 0x7040600070406', 1],
  [
    'trace-cmd report',
    '       CPU 1/KVM-4711  [002]   100.000001: kvm_msr:              msr_write 277 = 0x7040600070406',
    1,
  ],
  [
    'perf script',
    '       CPU 1/KVM  4711 [002]   100.000001: kvm:kvm_msr: msr_write 277 = 0x7040600070406',
    1,
  ],
  [
    'perf script with processes',
    'CPU 1/KVM  4700/4711  [002]   100.000001: kvm:kvm_msr: msr_write 277 = 0x7040600070406',
    1,
  ],
  ['another VMM', ' fc_vcpu 1 4711 [069]   100.000001: kvm:kvm_msr: msr_write 277 = 0x7040600070406', 0],
])('reads what %s prints', (_, line, cpu) => {
  expect(factsOf(line)).toEqual([{ ...PAT, cpu }]);
});

it.each([
  ['QEMU', 'CPU 0/KVM  4711', 'CPU 1/KVM  4712'],
  ['another VMM', 'vmm  4711', 'vmm  4712'],
  ['processes and threads', 'vmm  4700/4711', 'vmm  4700/4712'],
])('tells vCPUs apart in what perf prints of %s', (_, first, second) => {
  const text = `${first} [000]  1.5: kvm:kvm_msr: msr_write 2ff = 0xc06
${second} [000]  1.6: kvm:kvm_msr: msr_write 2ff = 0x806`;

  expect(factsOf(text)).toEqual([
    { what: 'msr', cpu: 0, msr: 0x2ff, value: 0xc06n },
    { what: 'msr', cpu: 1, msr: 0x2ff, value: 0x806n },
  ]);
});

it('names an event that it cannot read, and passes over other events', () => {
  const text = `cpus=2
 CPU 0/KVM-4711  [000]  1.5: kvm_msr:              ecx=277 data=7040600070406
 CPU 0/KVM-4711  [000]  1.6: kvm_exit:             reason MSR_WRITE
 CPU 0/KVM  4711 [000]  1.7: kvm:kvm_msr_intercept: 277
 0.000 CPU 0/KVM/4711 kvm:kvm_msr(write: 1, ecx: 631, data: 6)`;

  expect(factsOf(text)).toEqual([]);
  expect(namedIn(text)).toEqual([[2], [5]]);
});
