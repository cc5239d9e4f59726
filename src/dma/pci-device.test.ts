import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeHost, scratchDir } from '../../test/support/fake-host.js';
import { ownProcessId, startTime } from '../process/owner.js';
import { Journal } from './host/journal.js';
import { createMdev, whyNoMdev } from './mdev.js';
import { cdevOf, PciDevice } from './pci-device.js';
import { DmaError } from './types.js';

const BDF = '0000:00:02.0';
const UNSAFE = 'sys/module/vfio/parameters/enable_unsafe_noiommu_mode';

let fake: FakeHost;
let dir: string;
beforeEach(() => {
  fake = new FakeHost();
  dir = scratchDir();
});
afterEach(() => {
  fake.remove();
  rmSync(dir, { recursive: true });
});

const journal = (): Journal => new Journal({ dir, host: fake.host });
const device = (): PciDevice => new PciDevice(BDF, journal(), fake.host);

test('a device without an IOMMU is bound with unsafe mode on, and given back with it off', () => {
  fake.addPci(BDF, { driver: 'e1000' });
  const clean = fake.state();
  const d = device();

  d.take();
  const taken = [fake.read(UNSAFE), fake.driverOf(BDF)];
  d.release();

  expect(taken).toEqual(['Y', 'vfio-pci']);
  expect(fake.state()).toEqual(clean);
  expect(readdirSync(dir)).toEqual([]);
});

test('a device behind an IOMMU is bound without unsafe mode', () => {
  fake.addPci(BDF, { driver: 'e1000', group: '7' });
  const d = device();

  d.take();

  expect([fake.read(UNSAFE), fake.driverOf(BDF)]).toEqual(['N', 'vfio-pci']);
  d.release();
  expect(fake.driverOf(BDF)).toBe('e1000');
});

test('a device that had no driver has none again, and keeps the override that it had', () => {
  fake.addPci(BDF, { group: '7' });
  fake.put(`sys/bus/pci/devices/${BDF}/driver_override`, 'special\n');
  const clean = fake.state();
  const d = device();

  d.take();
  d.release();

  expect(fake.state()).toEqual(clean);
});

test('the last of several users gives the device back', () => {
  fake.addPci(BDF, { driver: 'e1000' });
  const d = device();

  d.take();
  d.take();
  d.release();
  const between = fake.driverOf(BDF);
  d.release();

  expect([between, fake.driverOf(BDF)]).toEqual(['vfio-pci', 'e1000']);
});

test('a device that vfio-pci has already, and a mode that is on already, are left as they are', () => {
  fake.put(UNSAFE, 'Y');
  fake.addPci(BDF, { driver: 'vfio-pci' });
  const d = device();

  d.take();
  d.release();

  expect(fake.writes).toEqual([]);
  expect(fake.read(UNSAFE)).toBe('Y');
});

test('a mode that another run has turned on is put back to what it was before that', () => {
  const init = `1-${startTime(1)}-${ownProcessId().split('-')[2]}`;
  fake.put(UNSAFE, 'Y');
  fake.addPci(BDF, { driver: 'e1000' });
  const change = { kind: 'parameter', module: 'vfio', name: 'enable_unsafe_noiommu_mode', value: 'N' };
  writeFileSync(join(dir, `${init}.0.json`), JSON.stringify([change]));
  const d = device();

  d.take();
  rmSync(join(dir, `${init}.0.json`));
  d.release();

  expect(fake.read(UNSAFE)).toBe('N');
});

// Each row: a write after which all fails.
test.each(['driver_override', 'driver/unbind', 'drivers_probe', 'enable_unsafe_noiommu_mode'])(
  'a failure to write %s leaves the host as it was',
  (file) => {
    fake.addPci(BDF, { driver: 'e1000' });
    const clean = fake.state();
    let failed = false;
    fake.beforeWrite = (path) => {
      if (failed || !path.endsWith(file)) return;
      failed = true;
      throw new Error('EIO');
    };

    expect(() => device().take()).toThrow('EIO');

    expect(failed).toBe(true);
    expect(fake.state()).toEqual(clean);
    expect(readdirSync(dir)).toEqual([]);
  },
);

test('a device that vfio-pci refuses is given back, and the error says so', () => {
  fake.addPci(BDF, { driver: 'e1000' });
  const clean = fake.state();
  // Keep the mode off: vfio-pci then refuses a device without an IOMMU.
  fake.beforeWrite = (path) => {
    if (path.endsWith('drivers_probe')) fake.put(UNSAFE, 'N');
  };

  expect(() => device().take()).toThrow(DmaError);

  expect(fake.state()).toEqual(clean);
});

test('the device file of a bound device is found once /dev has it', () => {
  fake.addPci(BDF, { driver: 'e1000' });
  const d = device();
  const dirOf = join(fake.root, 'sys/bus/pci/devices', BDF);
  const before = cdevOf(dirOf, fake.host);
  d.take();

  const withoutNode = cdevOf(dirOf, fake.host);
  fake.put('dev/vfio/devices/vfio0', '');

  expect([before, withoutNode, cdevOf(dirOf, fake.host)]).toEqual([undefined, undefined, 'vfio0']);
  d.release();
});

test('a mediated device is made under a UUID of its own, and removed', () => {
  fake.addMdevSample();
  const clean = fake.state();

  const [a, b] = [createMdev(journal(), fake.host), createMdev(journal(), fake.host)];
  const made = fake.state();
  a.remove();
  b.remove();

  expect(a.uuid).not.toBe(b.uuid);
  expect(made.length - clean.length).toBe(2);
  expect(fake.state()).toEqual(clean);
  expect(readdirSync(dir)).toEqual([]);
});

test('a mediated device needs the sample driver, and a port of it', () => {
  const without = whyNoMdev(fake.host);
  fake.addMdevSample(0);
  const full = whyNoMdev(fake.host);
  fake.addMdevSample(1);

  expect(without?.reason).toBe('there is no mediated sample device: the driver mtty is not loaded');
  expect(full?.reason).toMatch(/no port left/);
  expect(whyNoMdev(fake.host)).toBeUndefined();
});
