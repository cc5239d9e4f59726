import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { follow } from './follow.js';
import { Watcher } from './watcher.js';

const [FIRST, SECOND] = ['0xffff888011110000', '0xffff888022220000'];
const line = (name: string, kvm: string): string =>
  `  vcpu-7      [000] .....     1.000000: ${name}: (f+0x0/0x90) kvm=${kvm} vcpu=0\n`;

/** Follow a monitor whose trace comes in these pieces. @returns what the kernel is asked to tell of, each time, and the VMs */
async function followed(pieces: readonly string[]) {
  const host = { policy: findPolicy('6.1'), maxphyaddr: 39, selfSnoop: true, quirks: 0x7f };
  const watcher = new Watcher(host, () => true, true);
  const asked: string[][] = [];
  let at = 0;
  await follow({
    observer: { take: () => pieces[at++] ?? '', only: (kvms) => void asked.push([...kvms]) },
    ...{ watcher, intervalMs: 1, signal: new AbortController().signal, onLook: () => {} },
    isAlive: () => at < pieces.length,
  });
  return { asked, fromStart: watcher.vms.map((vm) => vm.fromStart) };
}

test('a VM that stays is told of alone, until it goes', async () => {
  const { asked } = await followed([line('create', FIRST), '', '', line('destroy', FIRST), '']);

  expect(asked).toEqual([[FIRST], []]);
});

test('of VMs that come one after another none loses its first moments', async () => {
  const next = line('destroy', FIRST) + line('create', SECOND);

  expect(await followed([line('create', FIRST), next])).toEqual({
    asked: [[SECOND]],
    fromStart: [true, true],
  });
});

test('what a VM did before others of its monitor were told of too is not known', async () => {
  const { asked, fromStart } = await followed([line('create', FIRST), '', line('create', SECOND), '']);

  expect(asked).toEqual([[FIRST], [FIRST, SECOND]]);
  expect(fromStart).toEqual([true, false]);
});
