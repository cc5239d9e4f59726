import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeHost, scratchDir } from '../../../test/support/fake-host.js';
import { asNobody } from '../../../test/support/nobody.js';
import { ownProcessId } from '../../process/owner.js';
import { DmaError } from '../types.js';
import type { HostChange } from './changes.js';
import { Journal, sweepHostChanges } from './journal.js';

const UNSAFE = 'sys/module/vfio/parameters/enable_unsafe_noiommu_mode';
const MODE: HostChange = {
  kind: 'parameter',
  module: 'vfio',
  name: 'enable_unsafe_noiommu_mode',
  value: 'N',
};
const UUID = '0b6ad1d4-7c1f-4a6e-9d2f-000000000001';
const NAMESPACE = ownProcessId().split('-')[2];
const DEAD = `999999999-1-${NAMESPACE}`; // no process has such an id: it is above the kernel's limit of 2^22
const INIT = `1-${readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19]}-${NAMESPACE}`;

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
const sweep = (): string[] => sweepHostChanges({ dir, host: fake.host });
const files = (): string[] => readdirSync(dir);
const onDisk = (): unknown[] => files().map((name) => JSON.parse(readFileSync(join(dir, name), 'utf8')));
const leave = (owner: string, changes: unknown, name = `${owner}.0.json`): void =>
  writeFileSync(join(dir, name), JSON.stringify(changes));

test('a change is written down before it is made, and forgotten once it is undone', () => {
  const j = journal();
  let before: unknown[] = [];

  j.change(MODE, () => {
    before = onDisk();
    fake.host.write(join(fake.root, UNSAFE), 'Y');
  });
  const during = fake.read(UNSAFE);
  j.undo(MODE);

  expect(before).toEqual([[MODE]]);
  expect(during).toBe('Y');
  expect(fake.read(UNSAFE)).toBe('N');
  expect(files()).toEqual([]);
});

test('a change that fails is undone at once', () => {
  const j = journal();

  expect(() =>
    j.change(MODE, () => {
      fake.host.write(join(fake.root, UNSAFE), 'Y');
      throw new Error('no');
    }),
  ).toThrow('no');

  expect(fake.read(UNSAFE)).toBe('N');
  expect(files()).toEqual([]);
});

test('a change is not made if it cannot be written down', () => {
  writeFileSync(join(dir, 'file'), '');
  const j = new Journal({ dir: join(dir, 'file/sub'), host: fake.host });
  let made = false;

  expect(() => {
    j.change(MODE, () => {
      made = true;
    });
  }).toThrow(DmaError);

  expect(made).toBe(false);
});

test('the journal of a process that is gone is undone, the last change first', () => {
  fake.addPci('0000:00:02.0', { driver: 'e1000' });
  const clean = fake.state();
  fake.put(UNSAFE, 'Y');
  fake.host.write(join(fake.root, 'sys/bus/pci/devices/0000:00:02.0/driver_override'), 'vfio-pci');
  fake.host.write(join(fake.root, 'sys/bus/pci/devices/0000:00:02.0/driver/unbind'), '0000:00:02.0');
  fake.host.write(join(fake.root, 'sys/bus/pci/drivers_probe'), '0000:00:02.0');
  fake.put(`sys/bus/mdev/devices/${UUID}/remove`, '');
  leave(DEAD, [
    MODE,
    { kind: 'binding', bdf: '0000:00:02.0', driver: 'e1000', override: null },
    { kind: 'mdev', uuid: UUID },
  ]);
  fake.writes.length = 0;

  const problems = sweep();

  expect(problems).toEqual([]);
  expect(fake.state()).toEqual(clean);
  expect(fake.writes[0]).toBe(`sys/bus/mdev/devices/${UUID}/remove=1`);
  expect(fake.writes.at(-1)).toBe(`${UNSAFE}=N`);
  expect(files()).toEqual([]);
});

test('a journal may say more than was done: undoing what was not done changes nothing', () => {
  fake.addPci('0000:00:02.0', { driver: 'e1000' });
  const clean = fake.state();
  leave(DEAD, [
    MODE,
    { kind: 'binding', bdf: '0000:00:02.0', driver: 'e1000', override: null },
    { kind: 'binding', bdf: '0000:00:1f.0', driver: 'gone', override: null },
    { kind: 'mdev', uuid: UUID },
  ]);

  expect(sweep()).toEqual([]);
  expect(fake.state()).toEqual(clean);
});

test('a device that was unbound and has a new driver since is left to it', () => {
  fake.addPci('0000:00:02.0', { driver: 'other' });
  leave(DEAD, [{ kind: 'binding', bdf: '0000:00:02.0', driver: null, override: null }]);

  sweep();

  expect(fake.driverOf('0000:00:02.0')).toBe('other');
});

test('the journal of a process that runs is left alone', () => {
  fake.put(UNSAFE, 'Y');
  leave(INIT, [MODE]);
  leave(ownProcessId(), [MODE]);

  expect(sweep()).toEqual([]);
  expect(fake.read(UNSAFE)).toBe('Y');
  expect(files()).toHaveLength(2);
});

test('a process with the same id that started at another time is another process', () => {
  fake.put(UNSAFE, 'Y');
  leave(`1-1-${NAMESPACE}`, [MODE]);

  sweep();

  expect(fake.read(UNSAFE)).toBe('N');
});

test('a parameter that another run relies on is put back by the last one', () => {
  fake.put(UNSAFE, 'Y');
  leave(INIT, [MODE]);
  leave(DEAD, [MODE]);

  sweep();
  const whileOtherRuns = fake.read(UNSAFE);
  rmSync(join(dir, `${INIT}.0.json`));
  leave(DEAD, [MODE]);
  sweep();

  expect(whileOtherRuns).toBe('Y');
  expect(fake.read(UNSAFE)).toBe('N');
});

test('what cannot be undone is told, kept, and tried again', () => {
  fake.put(UNSAFE, 'Y');
  leave(DEAD, [MODE]);
  fake.beforeWrite = () => {
    throw new Error('EBUSY');
  };

  const problems = sweep();
  fake.beforeWrite = () => {};

  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^cannot undo what a killed run left \(.*\): EBUSY$/);
  expect(onDisk()).toEqual([[MODE]]);
});

test.each([
  ['not JSON', '{'],
  ['no list', '{}'],
  ['a path for a name', JSON.stringify([{ ...MODE, name: '../../../etc/passwd' }])],
  [
    'a path for a device',
    JSON.stringify([{ kind: 'binding', bdf: '../../x', driver: null, override: null }]),
  ],
  ['a value with a newline', JSON.stringify([{ ...MODE, value: 'N\nY' }])],
  [
    'a driver that is a number',
    JSON.stringify([{ kind: 'binding', bdf: '0000:00:02.0', driver: 1, override: null }]),
  ],
  ['a path for a UUID', JSON.stringify([{ kind: 'mdev', uuid: '../../../..' }])],
  ['no kind', JSON.stringify([null, 1, {}])],
])('a journal that holds %s changes nothing and goes away', (_what, text) => {
  writeFileSync(join(dir, `${DEAD}.0.json`), text);

  expect(sweep()).toEqual([]);
  expect(fake.writes).toEqual([]);
  expect(files()).toEqual([]);
});

test('half-written journals of the dead go away, other files stay', () => {
  writeFileSync(join(dir, `${DEAD}.3.json.new`), '[');
  writeFileSync(join(dir, 'README'), '');

  sweep();

  expect(files()).toEqual(['README']);
});

test('without a journal directory there is nothing to sweep, and none is made', () => {
  const none = join(dir, 'none');

  expect(sweepHostChanges({ dir: none, host: fake.host })).toEqual([]);
  expect(existsSync(none)).toBe(false);
});

test('who may not look into the journals has left none: a sweep does nothing, and says nothing', () => {
  leave(DEAD, [MODE]);
  chmodSync(dir, 0);

  const problems = asNobody(`
      import { sweepHostChanges } from './src/dma/host/journal.js';
      const host = { ...${JSON.stringify(fake.host)}, write: () => { throw new Error('written') } };
      tell(sweepHostChanges({ dir: ${JSON.stringify(dir)}, host }));
    `);

  chmodSync(dir, 0o700);
  expect(problems).toEqual([]);
  expect(files()).toHaveLength(1);
});
