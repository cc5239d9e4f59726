import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeHost } from '../../test/support/fake-host.js';
import type { CountedWay } from '../arch/dma-ways.js';
import type { VfioSituation } from './vfio-probe.js';
import { firstMissing, WAYS } from './ways.js';

type VfioKind = Exclude<CountedWay, 'virtio-device'>;

const BDF = '0000:00:02.0';
const MATE = '0000:00:03.0';

let fake: FakeHost;
beforeEach(() => {
  fake = new FakeHost();
});
afterEach(() => fake.remove());

const situation = (o: Partial<VfioSituation> = {}): VfioSituation => ({
  device: BDF,
  release: '7.3.4',
  isRoot: true,
  host: fake.host,
  ...o,
});

const reason = (kind: VfioKind, o: Partial<VfioSituation> = {}): string | undefined =>
  firstMissing(WAYS[kind].needs, situation(o))?.reason;

const intelIommu = (ecap: string): void =>
  fake.put(`sys/bus/pci/devices/${BDF}/iommu/intel-iommu/ecap`, ecap);

test('a device without an IOMMU can be had as a group and, from 7.3 on, as a device file', () => {
  fake.addPci(BDF, { driver: 'e1000' });

  expect(reason('vfio-noiommu')).toBeUndefined();
  expect(reason('vfio-cdev')).toBeUndefined();
  expect(reason('vfio-cdev', { release: '7.2.13' })).toBe(
    `this kernel has no VFIO device file for ${BDF}, which no IOMMU translates`,
  );
  expect(reason('vfio-type1')).toBe(`no IOMMU translates the DMA of ${BDF}`);
});

test('a kernel before 6.1 is asked whether KVM takes a device without an IOMMU', () => {
  fake.addPci(BDF, { driver: 'e1000' });
  const tryNoIommu = () => ({ reason: 'refused', lift: 'take another' });

  expect(reason('vfio-noiommu', { release: '5.10.262', tryNoIommu })).toBe('refused');
  expect(reason('vfio-noiommu', { release: '5.10.262', tryNoIommu: () => undefined })).toBeUndefined();
  expect(reason('vfio-noiommu', { release: '6.1.192', tryNoIommu })).toBeUndefined();
});

test('a device behind an IOMMU that does not enforce coherency can be had as a group and as a device file', () => {
  fake.addPci(BDF, { driver: 'e1000', group: '7' });
  intelIommu('f00f5a');

  expect(reason('vfio-noiommu')).toBe(`${BDF} is behind an IOMMU`);
  expect(reason('vfio-type1')).toBeUndefined();
  expect(reason('vfio-cdev', { release: '6.6.0' })).toBeUndefined();
});

test('an IOMMU that enforces coherency makes a device useless: Intel’s with ECAP.SC, AMD’s always', () => {
  fake.addPci(BDF, { driver: 'e1000', group: '7' });
  intelIommu('f00fda');
  const intel = reason('vfio-type1');
  fake.addPci(MATE, { driver: 'e1000', group: '8' });
  fake.put(`sys/bus/pci/devices/${MATE}/iommu/amd-iommu/features`, '0');

  expect(intel).toBe(`the IOMMU of ${BDF} keeps all its DMA coherent`);
  expect(reason('vfio-cdev')).toBe(intel);
  expect(reason('vfio-type1', { device: MATE })).toBe(`the IOMMU of ${MATE} keeps all its DMA coherent`);
});

test('an IOMMU whose sysfs says nothing, such as virtio’s, is tried', () => {
  fake.addPci(BDF, { driver: 'e1000', group: '7' });

  expect(reason('vfio-type1')).toBeUndefined();
});

test('a group with a function that another driver uses is not ours to take', () => {
  fake.addPci(BDF, { driver: 'e1000', group: '7' });
  fake.addPci(MATE, { driver: 'ahci', group: '7' });

  expect(reason('vfio-type1')).toBe(`IOMMU group 7 also holds ${MATE}, which other drivers use`);
});

test.each(['vfio-pci', 'pcieport', undefined])(
  'a mate in the group with driver %s does not matter',
  (driver) => {
    fake.addPci(BDF, { driver: 'e1000', group: '7' });
    fake.addPci(MATE, { group: '7', ...(driver === undefined ? {} : { driver }) });

    expect(reason('vfio-type1')).toBeUndefined();
  },
);

test.each(['vfio-noiommu', 'vfio-type1', 'vfio-cdev'] as const)(
  '%s takes no device that was not named',
  (kind) => {
    fake.addPci(BDF, { driver: 'e1000', group: '7' });

    expect(reason(kind, { device: null })).toBe('no device was named for non-coherent DMA');
    expect(reason(kind, { device: '0000:ff:1f.7' })).toBe('there is no PCI device 0000:ff:1f.7');
  },
);

test.each(['vfio-mdev', 'mdev-cdev'] as const)('%s needs the sample driver and no device', (kind) => {
  const without = reason(kind, { device: null });
  fake.addMdevSample();

  expect(without).toMatch(/mtty is not loaded/);
  expect(reason(kind, { device: null })).toBeUndefined();
});

test.each([
  ['vfio-type1', 'this kernel has no VFIO groups, or vfio is not loaded'],
  ['vfio-mdev', 'this kernel has no VFIO groups, or vfio is not loaded'],
  ['vfio-cdev', 'this kernel has no VFIO device files, or vfio is not loaded'],
  ['mdev-cdev', 'this kernel has no VFIO device files, or vfio is not loaded'],
] as const)('%s needs a kernel with such files', (kind, expected) => {
  fake.put('proc/devices', 'Character devices:\n  1 mem\n\nBlock devices:\n  8 vfio-blk\n');
  fake.addPci(BDF, { driver: 'e1000', group: '7' });
  fake.addMdevSample();

  expect(reason(kind)).toBe(expected);
});

test.each(['vfio-noiommu', 'vfio-type1', 'vfio-cdev', 'vfio-mdev', 'mdev-cdev'] as const)(
  '%s needs root, and says so only when all else is there',
  (kind) => {
    const early = reason(kind, { isRoot: false, device: null });
    fake.addPci(BDF, kind === 'vfio-noiommu' ? {} : { group: '7' });
    fake.addMdevSample();

    expect(early).not.toMatch(/root/);
    expect(reason(kind, { isRoot: false })).toBe('only root may make and take VFIO devices');
  },
);
