import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { parseVmTrace } from '../observe/vm-events.js';
import { Watcher } from './watcher.js';

const [OURS, THEIRS] = ['0xffff888011110000', '0xffff888022220000'];
const host = { policy: findPolicy('6.1'), maxphyaddr: 39, selfSnoop: true, quirks: 0x7f };

const watcherOf = (tids: readonly number[]): Watcher => new Watcher(host, (tid) => tids.includes(tid), true);

const line = (tid: number, name: string, fields = ''): string =>
  `  vcpu-${tid}      [000] .....     1.000000: ${name}: (f+0x0/0x90) ${fields}\n`;
const decide = (tid: number, kvm: string, gfn: string): string =>
  line(tid, 'decide', `kvm=${kvm} vcpu=0 gfn=${gfn} mmio=0`);
const change = (tid: number, kvm: string, gfn: string, [old, made]: [string, string]): string =>
  line(tid, 'change', `kvm=${kvm} space=0x0 smm=0 gfn=${gfn} old=${old} new=${made} level=1`);
const create = (tid: number, kvm: string): string => line(tid, 'create', `kvm=${kvm} vcpu=0`);

test('VMs of other monitors are left out', () => {
  const watcher = watcherOf([1]);
  watcher.take(
    parseVmTrace(
      create(1, OURS) +
        create(2, THEIRS) +
        decide(2, THEIRS, '0x1') +
        change(2, THEIRS, '0x1', ['0x0', '0x877']),
    ),
  );

  expect(watcher.kvms).toEqual([OURS]);
  expect(watcher.vms.map((vm) => vm.leaves.size)).toEqual([0]);
});

test('a zap on a thread of the kernel is told by the VM that it is for, and so is its end', () => {
  const watcher = watcherOf([1]);
  const made = create(1, OURS) + decide(1, OURS, '0x1') + change(1, OURS, '0x1', ['0x0', '0x877']);
  const call = line(9, 'zap', `kvm=${OURS} start=0x0 end=0x100`);
  watcher.take(parseVmTrace(made + call + change(9, OURS, '0x1', ['0x877', '0x5a0']) + line(9, 'zapped')));

  expect(watcher.takeNotes()).toMatchObject([{ vm: 1, kind: 'zap' }]);
  expect(watcher.vms[0]?.leaves.size).toBe(0);
});

test('a VM that ends stays to be told of; another may come at its address', () => {
  const watcher = watcherOf([1]);
  const life = create(1, OURS) + line(1, 'destroy', `kvm=${OURS}`);
  watcher.take(parseVmTrace(life + life));

  expect(watcher.kvms).toEqual([]);
  expect(watcher.vms).toHaveLength(2);
  expect(watcher.seen).toEqual([OURS, OURS]);
});

test('an address of somebody else’s VM may become ours', () => {
  const watcher = watcherOf([1]);
  watcher.take(parseVmTrace(create(2, OURS) + line(2, 'destroy', `kvm=${OURS}`) + create(1, OURS)));

  expect(watcher.kvms).toEqual([OURS]);
});

test('lost events add up', () => {
  const watcher = watcherOf([1]);
  watcher.take(parseVmTrace('CPU:0 [LOST 2 EVENTS]\n'));
  watcher.take(parseVmTrace('CPU:0 [LOST 3 EVENTS]\n'));

  expect(watcher.lost).toBe(5);
});
