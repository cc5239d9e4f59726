import { type AreaKind, areaFrom, type DumpFormat, hexOf } from '../types.js';

const LINE = /^([0-9a-f]{4,16})-([0-9a-f]{4,16}) : (.{1,120})$/;

/** What the names of the resource tree stand for, the first that fits. */
const KINDS: readonly (readonly [RegExp, AreaKind])[] = [
  [/^(?:System RAM|ACPI Tables|Kernel (?:code|data|rodata|bss)|Crash kernel)/, 'ram'],
  [/^Persistent Memory/, 'dax'],
  [/^(?:System ROM|Video ROM|Adapter ROM)/, 'rom'],
  [/^(?:Reserved|ACPI Non-volatile Storage|Unusable memory|Soft Reserved)/i, 'reserved'],
];

const UNPRIVILEGED = 'to all but root every address is 0: read /proc/iomem as root';
const WITHIN = 'memory within another area is left out: --slot tells of it';

/** /proc/iomem, read as root (r_show() of kernel/resource.c): its outermost areas count, those within are parts of them. */
export const iomem: DumpFormat = {
  name: '/proc/iomem',
  start: () => {
    let outer: AreaKind = 'device';
    let hasZeros = false;
    return (line) => {
      const [, first, last, name = ''] = LINE.exec(line.trim()) ?? [];
      if (first === undefined || last === undefined) return undefined;
      if (hexOf(last) === 0n) {
        const isFirst = !hasZeros;
        hasZeros = true;
        return isFirst ? { why: UNPRIVILEGED } : [];
      }
      const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'device';
      const area = areaFrom(kind, name, hexOf(first), hexOf(last));
      if (/^\s/.test(line) && !('why' in area)) {
        // RAM in a window of CXL, or persistent memory that is used as RAM.
        const isNew = (kind === 'ram' || kind === 'dax') && kind !== outer && outer !== 'ram';
        return isNew ? { why: WITHIN } : [];
      }
      outer = kind;
      return area;
    };
  },
};
