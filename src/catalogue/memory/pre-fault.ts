import { MT } from '../../arch/memory-types.js';
import {
  deleteMemslot,
  disableQuirk,
  getDirtyLog,
  hostMemory,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  preFault,
  scenario,
  touch,
  touchMany,
} from '../../scenario/builder.js';
import type { Step } from '../../scenario/types.js';

const PAGE = 0x1000n;
const SLOT = mib(64);
const needs = ['ept-leaves', 'pre-fault'] as const;

const E_WB_IPAT = { D: 'WB+IPAT', E: 'WB+IPAT' };
const page = (n: number): bigint => SLOT + BigInt(n) * PAGE;
const write = (n: number): Step => touch(page(n), { access: 'write' });

/** KVM_PRE_FAULT_MEMORY: leaves that the VMM asks for, before the guest runs into them. */
export const preFaults = [
  scenario(
    'prefault/leaves',
    'Each page of a memslot that is faulted in ahead has its leaf',
    { needs, vcpus: 2 },
    [
      memslot(1, SLOT, 16),
      preFault(page(3), 2),
      [touch(page(3), { claims: E_WB_IPAT }), write(4), touch(page(2)), touch(page(5))],
      preFault(page(6), 4, { vcpu: 1 }),
      touchMany(page(6), 4),
      // The end of the slot, and beyond.
      preFault(page(14), 4),
      [write(15), touch(page(14)), touch(page(16))],
      preFault(page(16), 1, { result: 'ENOENT' }),
      preFault(mib(5), 2),
      touchMany(mib(5), 2),
      memslot(2, page(16), 2, 'ram', { flags: ['readonly'] }),
      preFault(page(16), 2),
      [touch(page(16)), touch(page(17), { access: 'write' }), touch(page(17))],
      hostMemory('discard', 1, 15, 1),
      preFault(page(15), 1),
      write(15),
    ],
  ),
  scenario(
    'prefault/types',
    'What is faulted in ahead has the type that the guest’s own fault would give, with DMA and with the PAT honored',
    { needs: [...needs, 'noncoherent'] },
    [
      memslot(1, SLOT, 16),
      preFault(SLOT, 4),
      noncoherent(true),
      mtrrs({ def: MT.UC }),
      preFault(SLOT, 6),
      [0, 3, 5].map((n) => touch(page(n), { claims: { D: 'WB', E: 'WB' } })),
      noncoherent(false),
      preFault(SLOT, 8),
      [0, 7].map((n) => touch(page(n), { claims: E_WB_IPAT })),
      // Disables the quirk IGNORE_GUEST_PAT where there is one.
      disableQuirk(0x200),
      preFault(page(8), 2),
      touchMany(page(7), 3),
    ],
  ),
  scenario(
    'prefault/huge',
    'A large leaf is made ahead wherever the guest’s own fault would make one',
    { needs: [...needs, 'huge-pages'] },
    [
      memslot(1, SLOT, 2048, 'huge-ram'),
      memslot(2, mib(96) + PAGE, 1024, 'huge-ram', { offset: 1 }),
      preFault(SLOT + 5n * PAGE, 1),
      [0n, mib(2) - PAGE].map((at) => touch(SLOT + at, { claims: E_WB_IPAT })),
      // Parts of two large pages, and a large page whole.
      preFault(SLOT + mib(4) - PAGE, 514),
      [mib(2), mib(4), mib(8) - PAGE].map((at) => touch(SLOT + at)),
      // Small up to the first large page in a slot that does not begin with one.
      preFault(mib(98) - 2n * PAGE, 4),
      [mib(98) - PAGE, mib(98), mib(100) - PAGE].map((gpa) => touch(gpa)),
    ],
  ),
  scenario(
    'prefault/log',
    'Pages that are faulted in ahead so that they may be written are in the log',
    { needs },
    [
      memslot(1, SLOT, 16, 'ram', { flags: ['log-dirty-pages'] }),
      preFault(page(2), 3),
      getDirtyLog(1),
      [write(2), getDirtyLog(1)],
      preFault(SLOT, 2),
      [write(1), getDirtyLog(1)],
      // Only read: no page of these is.
      hostMemory('protect', 1, 8, 2),
      preFault(page(7), 3),
      [touch(page(9)), write(7), getDirtyLog(1)],
    ],
  ),
  scenario(
    'prefault/again',
    'Leaves that are there already stay as they are, or are made anew with the type of the time, as the kernel does',
    { needs: [...needs, 'noncoherent'] },
    [
      memslot(1, SLOT, 8),
      [touch(page(1)), write(2)],
      preFault(SLOT, 4),
      [touch(SLOT), write(1), touch(page(3))],
      // Disables the quirk IGNORE_GUEST_PAT where there is one, which zaps nothing.
      disableQuirk(0x200),
      preFault(page(1), 5),
      touchMany(SLOT, 6),
      memslot(1, SLOT, 8, 'ram', { flags: ['log-dirty-pages'] }),
      getDirtyLog(1),
      preFault(page(1), 2),
      getDirtyLog(1),
      [write(1), write(3), getDirtyLog(1)],
    ],
  ),
  scenario(
    'prefault/stale-root',
    'A vCPU that has not run since a slot was deleted or moved takes up new page tables for what is faulted in ahead',
    { needs, vcpus: 2 },
    [
      [memslot(1, SLOT, 8), memslot(2, mib(96), 8)],
      [touch(SLOT), touch(page(1), { vcpu: 1 })],
      deleteMemslot(2),
      // Only vCPU 1 runs again.
      touch(SLOT, { vcpu: 1 }),
      [preFault(page(2), 2), preFault(page(4), 2, { vcpu: 1 })],
      touch(page(3), { claims: E_WB_IPAT }),
      preFault(page(6), 1),
      // Where the slot alone is zapped, the page tables stay.
      disableQuirk(0x80),
      memslot(1, mib(128), 8),
      [preFault(mib(128), 2), touch(mib(128))],
    ],
  ),
  scenario(
    'prefault/log-huge',
    'Under a log that starts full a huge leaf gives way to small ones where one of its pages is faulted in ahead',
    { needs: [...needs, 'huge-pages', 'tdp-mmu'] },
    [
      { do: 'manual-protect', initiallySet: true },
      memslot(1, SLOT, 1024, 'huge-ram'),
      preFault(SLOT, 1024),
      memslot(1, SLOT, 1024, 'huge-ram', { flags: ['log-dirty-pages'] }),
      preFault(page(511), 2),
      [0, 511, 512, 1023].map(write),
    ],
  ),
];
