import { GIB4_FRAMES } from '../../../arch/units.js';
import { lowRamEnd } from '../low-ram.js';
import type { Area } from './areas.js';

/**
 * Names that say that a region is the guest's RAM: `default_ram_id` of QEMU's machines (hw/i386/pc.c and microvm.c), and what libvirt calls
 * NUMA nodes, DIMMs and virtio-mem (qemu_command.c and qemu_alias.c). Others are free to choose, also for the memory of a device.
 */
const RAM_NAME = /^(?:(?:pc|microvm)\.ram|(?:ram-node|memdimm|memvirtiomem)\d+)$/;

/** It lies in the VGA window below 1 MiB. */
const isVga = ({ start, end }: Area): boolean => start >= 0xa0 && end <= 0xc0;

/**
 * Tell the guest's RAM from what else QEMU keeps in RAM, such as a BAR with video memory: its flat view calls both `ram`. RAM is what
 * begins at 0, and what has the name of that or one of RAM alone. Others below 4 GiB lie in the PCI hole (`pc_memory_init()` of
 * QEMU's hw/i386/pc.c); above, they may be either.
 */
export function withUses(areas: readonly Area[]): Area[] {
  const ram = areas.filter((area) => area.use !== undefined && area.kind === 'ram' && !isVga(area));
  const low = lowRamEnd(ram);
  const names = new Set(ram.filter(({ start }) => start < low).map(({ name }) => name));
  const useOf = (area: Area): Area['use'] => {
    if (area.use === undefined || area.kind !== 'ram') return area.use;
    if (isVga(area)) return 'device';
    if (names.has(area.name) || RAM_NAME.test(area.name)) return 'told';
    return area.end <= GIB4_FRAMES ? 'device' : 'unknown';
  };
  return areas.map((area) => ({ ...area, use: useOf(area) }));
}
