import { type AreaKind, type DumpFormat, hexOf } from '../types.js';

const LINE = /^([0-9a-f]{4,16})-([0-9a-f]{4,16}) : (.{1,120})$/;

/** What the names of the resource tree stand for, the first that fits. */
const KINDS: readonly (readonly [RegExp, AreaKind])[] = [
  [/^(?:System RAM|ACPI Tables|Kernel (?:code|data|rodata|bss)|Crash kernel)/, 'ram'],
  [/^Persistent Memory/, 'dax'],
  [/^(?:System ROM|Video ROM|Adapter ROM)/, 'rom'],
  [/^(?:Reserved|ACPI Non-volatile Storage|Unusable memory|Soft Reserved)/i, 'reserved'],
];

/** /proc/iomem, read as root: only its outermost areas count, those within are parts of them. */
export const iomem: DumpFormat = {
  name: '/proc/iomem',
  start: () => (line) => {
    const [, first, last, name = ''] = LINE.exec(line.trim()) ?? [];
    if (first === undefined || last === undefined) return undefined;
    if (/^\s/.test(line)) return [];
    const start = hexOf(first);
    const end = hexOf(last) + 1n;
    // Without privilege all addresses read 0.
    if (end <= start || end === 1n) return [];
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'device';
    return [{ what: 'area', kind, name, start, end }];
  },
};
