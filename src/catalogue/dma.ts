import { COUNTED_WAYS, type CountedWay } from '../arch/dma-ways.js';
import { MT } from '../arch/memory-types.js';
import {
  discard,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';
import type { Claims, Step } from '../scenario/types.js';

const needs = ['ept-leaves', 'noncoherent'] as const;

const COHERENT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
/** A page whose MTRR type is write-through, with non-coherent DMA. */
const WRITE_THROUGH = { A: 'WT', B: 'WT', D: 'WB', E: 'WB' };

const TITLES: Record<CountedWay, string> = {
  'vfio-noiommu': 'A VFIO group without an IOMMU',
  'vfio-type1': 'A VFIO group behind an IOMMU that does not enforce coherency',
  'vfio-cdev': 'The VFIO device file of a PCI function',
  'vfio-mdev': 'The VFIO group of a mediated device',
  'mdev-cdev': 'The VFIO device file of a mediated device',
  'virtio-device': 'A KVM_DEV_TYPE_VIRTIO device',
};

/** Each way to non-coherent DMA on its own. */
const via = COUNTED_WAYS.map((name) =>
  scenario(`dma/${name}`, `${TITLES[name]} makes the VM non-coherent`, { needs: ['ept-leaves', name] }, [
    mtrrs({ def: MT.WT }),
    touch(mib(4), { claims: COHERENT }),
    noncoherent(true, { via: name }),
    touch(mib(4)),
    touch(mib(5), { claims: WRITE_THROUGH }),
    noncoherent(false),
    touch(mib(5)),
    touch(mib(6), { claims: COHERENT }),
    noncoherent(true, { via: name }),
    touch(mib(7), { claims: WRITE_THROUGH }),
  ]),
);

/** Devices `a` and `b` together: the VM is coherent only without both. */
function together(name: string, title: string, a: CountedWay, b: CountedWay) {
  return scenario(`dma/${name}`, title, { needs: [...new Set(['ept-leaves', a, b] as const)] }, [
    mtrrs({ def: MT.WT }),
    noncoherent(true, { via: a, device: 'a' }),
    touchMany(mib(4), 3),
    noncoherent(true, { via: b, device: 'b' }),
    touchMany(mib(4), 3),
    touch(mib(5), { claims: WRITE_THROUGH }),
    noncoherent(false, { device: 'a' }),
    touchMany(mib(4), 3),
    touch(mib(6), { claims: WRITE_THROUGH }),
    noncoherent(true, { via: a, device: 'a' }),
    // The later of the two goes first, and comes back.
    noncoherent(false, { device: 'a' }),
    [a, b].includes('virtio-device') ? [] : noncoherent(true, { device: 'b', again: true }),
    noncoherent(true, { via: a, device: 'a' }),
    noncoherent(false, { device: 'b' }),
    touchMany(mib(4), 3),
    touch(mib(7), { claims: WRITE_THROUGH }),
    noncoherent(false, { device: 'a' }),
    touch(mib(8), { claims: COHERENT }),
  ]);
}

const several = [
  together('two-mdevs', 'Two mediated devices in one KVM_DEV_TYPE_VFIO count once', 'vfio-mdev', 'vfio-mdev'),
  together(
    'noiommu-and-mdev',
    'A PCI function and a mediated device in one KVM_DEV_TYPE_VFIO count once',
    'vfio-noiommu',
    'vfio-mdev',
  ),
  together('group-and-cdev', 'A group and a device file count once', 'vfio-mdev', 'mdev-cdev'),
  together(
    'vfio-and-virtio',
    'VFIO and virtio devices share the VM’s count',
    'vfio-noiommu',
    'virtio-device',
  ),
  together(
    'mdev-and-virtio',
    'Mediated and virtio devices share the VM’s count',
    'vfio-mdev',
    'virtio-device',
  ),
];

/** The last two pages of 36 address bits. */
const TOP = (1n << 36n) - 0x2000n;

/** Pages at the ends of the first megabyte, of the RAM below the guest, and of memslots at 3 GiB and at the top of 36 address bits. */
const everywhere = (claims?: Claims): Step[] =>
  [
    0n,
    0x7_f000n,
    0xf_f000n,
    mib(1),
    mib(16) - 0x1000n,
    mib(3072),
    mib(3072) + 0x1000n,
    TOP,
    TOP + 0x1000n,
  ].map((gpa) => touch(gpa, claims === undefined ? {} : { claims }));

/** The first page, and two of RAM. */
const everyEnd = (): Step[] => [0n, mib(4), mib(16) - 0x1000n].map((gpa) => touch(gpa));
/** Non-coherent DMA that comes and goes. */
export const dma = [
  scenario(
    'dma/probe',
    'A non-coherent device, MTRRs and CR0.CD together tell the kernels apart',
    { needs },
    [
      touch(mib(4)),
      noncoherent(true),
      touch(mib(4)),
      mtrrs({ def: MT.WB, ranges: [[MT.UC, mib(8), mib(4)]] }),
      touch(mib(4), { claims: { A: 'WB', B: 'WB', D: 'WB', E: 'WB' } }),
      touch(mib(8), { claims: { A: 'UC', B: 'UC', D: 'WB', E: 'WB' } }),
      { do: 'cd', vcpu: 0, on: true, by: 'guest' },
      touch(mib(12), { claims: { A: 'WB+IPAT', B: 'WB', D: 'WB', E: 'WB' } }),
      noncoherent(false),
      touch(mib(12)),
      touch(mib(13), { claims: { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' } }),
    ],
  ),
  scenario(
    'dma/s1-attach-detach',
    'Pages touched before a device comes or goes keep or lose their leaf as the era says (stale case s1)',
    {
      needs,
    },
    [
      mtrrs({ def: MT.WT }),
      touchMany(mib(4), 3),
      noncoherent(true),
      touchMany(mib(4), 3),
      touchMany(mib(6), 3),
      noncoherent(false),
      touchMany(mib(6), 3),
      touch(mib(8), { claims: { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' } }),
      noncoherent(true),
      touch(mib(9), { claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB' } }),
    ],
  ),
  scenario(
    'dma/all-memory',
    'A device that comes or goes concerns all memory, from the first page to the last',
    { needs },
    [
      memslot(1, mib(3072), 2),
      memslot(2, TOP, 2),
      mtrrs({ def: MT.WT }),
      everywhere(COHERENT),
      noncoherent(true),
      everywhere(),
      discard(0n, 1),
      touch(0n, { claims: WRITE_THROUGH }),
      touch(mib(16) - 0x2000n, { claims: WRITE_THROUGH }),
      noncoherent(false),
      everywhere(),
    ],
  ),
  scenario(
    'dma/close',
    'Non-coherent DMA ends when KVM’s device is closed, too, and begins again with another one',
    { needs },
    [
      mtrrs({ def: MT.WT }),
      noncoherent(true),
      everyEnd(),
      noncoherent(false, { close: true }),
      touchMany(mib(4), 2),
      // Up to 6.1.7 the device stays until its VM goes.
      touch(mib(5), { claims: { ...COHERENT, 'A-4.4': 'WT' } }),
      noncoherent(true),
      touch(mib(6), { claims: WRITE_THROUGH }),
      noncoherent(false),
      touch(mib(7), { claims: { ...COHERENT, 'A-4.4': 'WT' } }),
      everyEnd(),
    ],
  ),
  ...via,
  ...several,
];
