import { expect, test } from 'vitest';
import { findPolicy } from '../memtype/index.js';
import { follow } from './follow.js';
import { Watcher } from './watcher.js';

const [FIRST, SECOND] = ['0xffff888011110000', '0xffff888022220000'];
const line = (name: string, kvm: string): string =>
  `  vcpu-7      [000] .....     1.000000: ${name}: (f+0x0/0x90) kvm=${kvm} vcpu=0\n`;

const mark = (kvms: readonly string[]): string =>
  `  node-9      [000] .....     1.000000: tracing_mark_write: ${['only', ...kvms].join(' ')}\n`;

/**
 * Follow a monitor whose trace comes in these pieces; two parts of one come before and after the mark that the look before it has made.
 * @returns what the kernel is asked to tell of, each time, and of which VMs all is known
 */
async function followed(pieces: readonly (string | readonly [string, string])[]) {
  const host = { policy: findPolicy('6.1'), maxphyaddr: 39, selfSnoop: true, quirks: 0x7f };
  const watcher = new Watcher(host, () => true, true);
  const asked: string[][] = [];
  let at = 0;
  let marked = '';
  const take = (): string => {
    const [before, after] = ['', pieces[at++] ?? ''].flat().slice(-2);
    const text = `${before}${marked}${after}`;
    marked = '';
    return text;
  };
  const only = (kvms: readonly string[]): void => {
    asked.push([...kvms]);
    marked = mark(kvms);
  };
  await follow({
    observer: { take, only },
    ...{ watcher, intervalMs: 1, signal: new AbortController().signal, onLook: () => {} },
    isAlive: () => at < pieces.length,
  });
  return { asked, known: watcher.vms.map((vm) => vm.seesAll) };
}

test('a VM that stays is told of alone, until it goes', async () => {
  const { asked } = await followed([line('create', FIRST), '', '', line('destroy', FIRST), '']);

  expect(asked).toEqual([[FIRST], []]);
});

test('of VMs that come one after another none loses its first moments', async () => {
  const next = line('destroy', FIRST) + line('create', SECOND);

  expect(await followed([line('create', FIRST), next])).toEqual({
    asked: [[SECOND]],
    known: [true, true],
  });
});

test('what a VM did before others of its monitor were told of too is not known', async () => {
  const { asked, known } = await followed([line('create', FIRST), '', line('create', SECOND), '']);

  expect(asked).toEqual([[FIRST], [FIRST, SECOND]]);
  expect(known).toEqual([true, false]);
});

test('a VM that comes just before the kernel tells of another alone is not known', async () => {
  const { known } = await followed([line('create', FIRST), '', [line('create', SECOND), '']]);

  expect(known).toEqual([true, false]);
});

test('a VM that comes after another has gone is known only once the kernel tells of all again', async () => {
  const start = [line('create', FIRST), '', '', line('destroy', FIRST)];
  const [early, late] = [
    await followed([...start, [line('create', SECOND), '']]),
    await followed([...start, ['', line('create', SECOND)]]),
  ];

  expect([early.known, late.known]).toEqual([
    [true, false],
    [true, true],
  ]);
});
