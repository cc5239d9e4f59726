import { type AreaKind, areaFrom, type DumpFormat, hexOf } from '../types.js';

const ROW = /^([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (nv-)?(ramd|romd|ram|rom|i\/o)\): (.{1,80})$/;
const SPACE = /^AS "([^"]{1,40})", root: /;
/** Kinds of QEMU's memory regions (memory_region_type()): ramd is a device's memory that is mapped, as of VFIO. */
const KINDS: Readonly<Record<string, AreaKind>> = {
  ram: 'ram',
  rom: 'rom',
  romd: 'rom',
  ramd: 'bar',
  'i/o': 'device',
};

/** QEMU's monitor, `info mtree -f`: of its views, the one of the address space "memory". */
export const mtree: DumpFormat = {
  name: 'info mtree -f',
  start: () => {
    let isMemory = false;
    return (whole) => {
      const line = whole.trim();
      if (line.startsWith('FlatView #')) {
        isMemory = false;
        return [];
      }
      const space = SPACE.exec(line)?.[1];
      if (space !== undefined) isMemory ||= space === 'memory';
      if (space !== undefined || /^(?:Root memory region|No rendered FlatView|Dispatch$)/.test(line))
        return [];
      const [, first, last, volatile, type = '', name = ''] = ROW.exec(line) ?? [];
      if (first === undefined || last === undefined) return undefined;
      if (!isMemory) return [];
      const kind = volatile === 'nv-' && type === 'ram' ? 'dax' : (KINDS[type] as AreaKind);
      return areaFrom(kind, name.replace(/ @[0-9a-f]{16}.*$| KVM$/, ''), hexOf(first), hexOf(last));
    };
  },
};
