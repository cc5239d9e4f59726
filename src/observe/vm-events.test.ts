import { expect, test } from 'vitest';
import { parseVmTrace } from './vm-events.js';

const VM = '0xffff888012340000';
const line = (name: string, fields: string, thread = ' CPU 0/KVM-77'): string =>
  `${thread}      [000] d..1.    12.345678: ${name}: ${fields.startsWith('as') ? '' : '(vmx_set_msr+0x0/0x900) '}${fields}`;

const AT = { at: 12_345_678, tid: 77 };

test.each([
  ['create', `kvm=${VM} vcpu=1`, { kind: 'create', kvm: VM, vcpu: 1 }],
  ['load', `kvm=${VM} vcpu=1`, { kind: 'load', kvm: VM, vcpu: 1 }],
  ['destroy', `kvm=${VM}`, { kind: 'destroy', kvm: VM }],
  ['teardown', `kvm=${VM}`, { kind: 'teardown', kvm: VM }],
  ['flush', `kvm=${VM}`, { kind: 'flush', kvm: VM }],
  [
    'decide',
    `kvm=${VM} vcpu=1 gfn=0xfee mmio=1`,
    { kind: 'decide', kvm: VM, vcpu: 1, gfn: 0xfee, mmio: true },
  ],
  [
    'kvm_tdp_mmu_spte_changed',
    'as id 0 gfn fee level 1 old_spte 0 new_spte 877',
    { kind: 'change', smm: false, gfn: 0xfee, level: 1, old: 0n, new: 0x877n },
  ],
  [
    'kvm_tdp_mmu_spte_changed',
    'as id 1 gfn 0 level 2 old_spte 877 new_spte 0',
    { kind: 'change', smm: true, gfn: 0, level: 2, old: 0x877n, new: 0n },
  ],
  [
    'msr',
    `kvm=${VM} vcpu=0 host=1 index=0x2ff data=0xc06`,
    { kind: 'msr', kvm: VM, vcpu: 0, msr: 0x2ff, value: 0xc06n, byHost: true },
  ],
  ['cr0', `kvm=${VM} vcpu=0 value=0x60000010`, { kind: 'cr0', kvm: VM, vcpu: 0, value: 0x6000_0010n }],
  ['dma_add', `kvm=${VM}`, { kind: 'dma', kvm: VM, delta: 1 }],
  ['dma_del', `kvm=${VM}`, { kind: 'dma', kvm: VM, delta: -1 }],
  ['quirks', `kvm=${VM} cap=116 mask=0x2`, { kind: 'quirks', kvm: VM, cap: 'quirks', mask: 2 }],
  ['quirks', `kvm=${VM} cap=213 mask=0x200`, { kind: 'quirks', kvm: VM, cap: 'quirks2', mask: 0x200 }],
  ['zap', `kvm=${VM} start=0x0 end=0xfffffffffffff`, { kind: 'zap', kvm: VM, start: 0, end: 2 ** 40 }],
  ['zapped', '', { kind: 'zapped' }],
])('%s %s', (name, fields, event) => {
  expect(parseVmTrace(line(name, fields))).toEqual({ events: [{ ...AT, ...event }], lost: 0 });
});

test('a tracepoint beside the probes, and a thread of the kernel', () => {
  const text = '     kworker/0:1-9       [001] .....     1.000002: kvm_mmu_zap_all_fast: gen 1 used_pages 0';
  expect(parseVmTrace(text).events).toEqual([{ at: 1_000_002, tid: 9, kind: 'zap-all' }]);
});

test.each([
  ['only', []],
  [`only ${VM} 0x1`, [VM, '0x1']],
])('the mark %s', (text, kvms) => {
  const mark = `            node-9       [001] .....     1.000002: tracing_mark_write: ${text}`;
  expect(parseVmTrace(mark).events).toEqual([{ at: 1_000_002, tid: 9, kind: 'only', kvms }]);
});

test('lost events are counted', () => {
  const text = `CPU:0 [LOST 12 EVENTS]\n${line('destroy', `kvm=${VM}`)}\n\nCPU:1 [LOST 3 EVENTS]\n`;
  expect(parseVmTrace(text)).toMatchObject({ lost: 15, events: [{ kind: 'destroy' }] });
});

test('where the kernel does not know how many it lost, it was one at least', () => {
  expect(parseVmTrace('CPU:0 [LOST EVENTS]\n')).toEqual({ lost: 1, events: [] });
});

test.each([
  ['another mark', ' node-9  [001] .....  1.000002: tracing_mark_write: only you'],
  ['another event', line('sched_switch', '')],
  ['no event', 'hello'],
  ['a field that is missing', line('decide', `kvm=${VM} vcpu=1 mmio=1`)],
  ['a field that could not be read', line('create', 'kvm=(fault) vcpu=1')],
  [
    'a level that no table has',
    line('kvm_tdp_mmu_spte_changed', 'as id 0 gfn 1 level 6 old_spte 0 new_spte 0'),
  ],
  [
    'a change to a frame above all',
    line('kvm_tdp_mmu_spte_changed', 'as id 0 gfn 10000000000 level 1 old_spte 0 new_spte 0'),
  ],
  ['a change in another form', line('kvm_tdp_mmu_spte_changed', 'as id 0')],
  ['a frame above all', line('decide', `kvm=${VM} vcpu=1 gfn=0x10000000000 mmio=1`)],
])('%s is an error', (_what, text) => {
  expect(() => parseVmTrace(text)).toThrow(/cannot read this line of the trace/);
});
