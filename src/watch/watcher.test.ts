import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { parseVmTrace } from '../observe/vm-events.js';
import { reportOf } from './report.js';
import { Watcher } from './watcher.js';

const [OURS, THEIRS] = ['0xffff888011110000', '0xffff888022220000'];
const host = { policy: findPolicy('6.1'), maxphyaddr: 39, selfSnoop: true, quirks: 0x7f };

const watcherOf = (tids: readonly number[]): Watcher => new Watcher(host, (tid) => tids.includes(tid), true);

const line = (tid: number, name: string, fields = ''): string =>
  `  vcpu-${tid}      [000] .....     1.000000: ${name}: (f+0x0/0x90) ${fields}\n`;
const decide = (tid: number, kvm: string, gfn: string): string =>
  line(tid, 'decide', `kvm=${kvm} vcpu=0 gfn=${gfn} mmio=0`);
const change = (tid: number, gfn: string, [old, made]: [string, string], space = 0): string =>
  line(tid, 'kvm_tdp_mmu_spte_changed', '').replace(
    /\(.*/,
    `as id ${space} gfn ${gfn} level 1 old_spte ${old} new_spte ${made}`,
  );
const create = (tid: number, kvm: string): string => line(tid, 'create', `kvm=${kvm} vcpu=0`);

test('VMs of other monitors are left out', () => {
  const watcher = watcherOf([1]);
  watcher.take(
    parseVmTrace(
      create(1, OURS) + create(2, THEIRS) + decide(2, THEIRS, '0x1') + change(2, '1', ['0', '877']),
    ),
  );

  expect(watcher.kvms).toEqual([OURS]);
  expect(watcher.vms.map((vm) => vm.leaves.size)).toEqual([0]);
});

test('a zap on a thread of the kernel is told by the VM that it is for, and so is its end', () => {
  const watcher = watcherOf([1]);
  const made = create(1, OURS) + decide(1, OURS, '0x1') + change(1, '1', ['0', '5877']);
  const call = line(9, 'zap', `kvm=${OURS} start=0x0 end=0x100`);
  watcher.take(parseVmTrace(made + call + change(9, '1', ['5877', '5a0']) + line(9, 'zapped')));

  expect(watcher.takeNotes()).toMatchObject([{ vm: 1, kind: 'zap' }]);
  expect(watcher.vms[0]?.leaves.size).toBe(0);
});

test('a leaf that goes on a thread of which nothing is known is known by its place and its frame', () => {
  const watcher = watcherOf([1]);
  const made = create(1, OURS) + decide(1, OURS, '0x1') + change(1, '1', ['0', '5877']);
  const size = (): number | undefined => watcher.vms[0]?.leaves.size;

  watcher.take(parseVmTrace(made + change(9, '1', ['6877', '5a0']) + change(9, '2', ['5877', '5a0'])));
  expect(size()).toBe(1);
  watcher.take(parseVmTrace(change(9, '1', ['5877', '5a0'], 1)));
  expect(size()).toBe(1);
  watcher.take(parseVmTrace(change(9, '1', ['5b77', '5a0'])));
  expect(size()).toBe(0);
});

test('a leaf that another VM’s thread makes is not taken for ours', () => {
  const watcher = watcherOf([1]);
  watcher.take(parseVmTrace(create(1, OURS) + change(9, '1', ['0', '5877'])));

  expect(watcher.vms.map((vm) => vm.leaves.size)).toEqual([0]);
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

test('of a VM that comes while events are lost, not all is known; of one that comes later it is', () => {
  const watcher = watcherOf([1]);
  watcher.take(parseVmTrace(`${create(1, OURS)}CPU:0 [LOST 3 EVENTS]\n`));
  watcher.take(parseVmTrace(create(1, THEIRS)));

  expect(watcher.vms.map((vm) => vm.seesAll)).toEqual([false, true]);
});

test('after a loss, a thread is not taken for that of the VM for which it worked before', () => {
  const watcher = watcherOf([1]);
  watcher.take(parseVmTrace(create(1, OURS)));
  watcher.take(parseVmTrace(`CPU:0 [LOST 3 EVENTS]\n${change(1, '1', ['0', '5877'])}`));

  expect(watcher.vms.map((vm) => vm.leaves.size)).toEqual([0]);
});

test('of a VM for which the kernel tells nothing more, no leaf is judged by what is known of it', () => {
  const watcher = watcherOf([1]);
  const mark = `  node-9      [000] .....     1.000000: tracing_mark_write: only ${OURS}\n`;
  watcher.take(parseVmTrace(create(1, OURS) + create(1, THEIRS) + mark));

  expect(watcher.vms.map((vm) => [vm.seesAll, reportOf(vm).fromStart])).toEqual([
    [true, true],
    [false, false],
  ]);
});
