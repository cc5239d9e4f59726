import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import type { Host } from '../../src/dma/host/paths.js';

const PCI = 'sys/bus/pci';
const SAMPLE = 'sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1';

/** A new directory in memory where there is one: journals are synced, which takes long on a busy disk. */
export const scratchDir = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kvm-memtype-test-'));

/** What a PCI function of a fake host is. */
export interface FakePci {
  driver?: string;
  /** IOMMU group, with the function's mates. */
  group?: string;
  id?: readonly [vendor: string, device: string];
}

/**
 * A directory that looks like /sys, /dev and /proc, and that reacts to what is written into it as the kernel does: drivers
 * are bound and unbound, mediated devices come and go, VFIO makes groups. Nothing of the real host is touched.
 */
export class FakeHost {
  readonly root = scratchDir();
  /** Everything that was written, `path=text`, paths relative to the root. */
  readonly writes: string[] = [];
  readonly host: Host = {
    sys: join(this.root, 'sys'),
    dev: join(this.root, 'dev'),
    proc: join(this.root, 'proc'),
    write: (path, text) => this.#write(path, text),
  };
  /** Called before each write, to fail it or to look. */
  beforeWrite: (path: string, text: string) => void = () => {};
  #groups = 0;

  constructor(regions: readonly string[] = ['vfio', 'vfio-dev']) {
    this.put(
      'proc/devices',
      `Character devices:\n${regions.map((name, i) => `${240 + i} ${name}\n`).join('')}`,
    );
    this.put('sys/module/vfio/parameters/enable_unsafe_noiommu_mode', 'N\n');
    this.put(`${PCI}/drivers_probe`, '');
    this.put('dev/vfio/vfio', '');
    for (const driver of ['vfio-pci', 'e1000'])
      mkdirSync(join(this.root, PCI, 'drivers', driver), { recursive: true });
  }

  /** Write a file as the world does, not as the program under test. */
  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8').trim();
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  #link(from: string, to: string): void {
    mkdirSync(dirname(join(this.root, from)), { recursive: true });
    mkdirSync(join(this.root, to), { recursive: true });
    symlinkSync(relative(dirname(join(this.root, from)), join(this.root, to)), join(this.root, from));
  }

  addPci(bdf: string, { driver, group, id = ['8086', '100e'] }: FakePci = {}): void {
    const dir = `${PCI}/devices/${bdf}`;
    this.put(`${dir}/driver_override`, '(null)\n');
    this.put(`${dir}/vendor`, `0x${id[0]}\n`);
    this.put(`${dir}/device`, `0x${id[1]}\n`);
    if (driver !== undefined) {
      this.#link(`${dir}/driver`, `${PCI}/drivers/${driver}`);
      this.put(`${dir}/driver/unbind`, '');
    }
    if (group === undefined) return;
    this.#link(`${dir}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
    this.#link(`sys/kernel/iommu_groups/${group}/devices/${bdf}`, dir);
  }

  addMdevSample(instances = 24): void {
    this.put(`${SAMPLE}/create`, '');
    this.put(`${SAMPLE}/available_instances`, `${instances}\n`);
  }

  driverOf(bdf: string): string | undefined {
    const link = join(this.root, PCI, 'devices', bdf, 'driver');
    return existsSync(link) ? basename(readlinkSync(link)) : undefined;
  }

  #write(path: string, text: string): void {
    this.beforeWrite(path, text);
    const name = relative(this.root, path);
    this.writes.push(`${name}=${text.trim()}`);
    if (!existsSync(path))
      throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
    writeFileSync(path, name.endsWith('/driver_override') && text.trim() === '' ? '(null)\n' : text);
    if (name.endsWith('/driver/unbind')) this.#unbind(text);
    if (name === `${PCI}/drivers_probe`) this.#probe(text);
    if (name === `${SAMPLE}/create`) this.put(`sys/bus/mdev/devices/${text}/remove`, '');
    if (name.endsWith('/remove')) rmSync(dirname(path), { recursive: true });
  }

  #unbind(bdf: string): void {
    const dir = join(this.root, PCI, 'devices', bdf);
    if (this.driverOf(bdf) === 'vfio-pci' && existsSync(join(dir, 'vfio-dev'))) {
      rmSync(join(dir, 'iommu_group'));
      rmSync(join(dir, 'vfio-dev'), { recursive: true });
    }
    rmSync(join(dir, 'driver'));
  }

  #probe(bdf: string): void {
    const dir = `${PCI}/devices/${bdf}`;
    if (this.has(`${dir}/driver`)) return;
    const override = this.read(`${dir}/driver_override`);
    const driver = ['', '(null)'].includes(override) ? 'e1000' : override;
    if (driver === 'vfio-pci' && !this.has(`${dir}/iommu_group`) && !this.#makeUpGroup(dir)) return;
    this.#link(`${dir}/driver`, `${PCI}/drivers/${driver}`);
    this.put(`${dir}/driver/unbind`, '');
  }

  /** What VFIO does for a device without an IOMMU, if it may. */
  #makeUpGroup(dir: string): boolean {
    if (this.read('sys/module/vfio/parameters/enable_unsafe_noiommu_mode') !== 'Y') return false;
    const group = String(this.#groups++);
    this.put(`sys/kernel/iommu_groups/${group}/name`, 'vfio-noiommu\n');
    this.#link(`${dir}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
    this.put(`${dir}/vfio-dev/vfio${group}/dev`, '');
    return true;
  }

  /** Everything below sys and dev that a test may compare, as path and content. */
  state(): string[] {
    const binding = ['0000:00:02.0', '0000:00:03.0'].filter((bdf) => this.has(`${PCI}/devices/${bdf}`));
    return [
      this.read('sys/module/vfio/parameters/enable_unsafe_noiommu_mode'),
      ...binding.map(
        (bdf) => `${bdf} ${this.driverOf(bdf)} ${this.read(`${PCI}/devices/${bdf}/driver_override`)}`,
      ),
      ...(this.has('sys/bus/mdev/devices') ? readdirSync(join(this.root, 'sys/bus/mdev/devices')) : []),
    ];
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
