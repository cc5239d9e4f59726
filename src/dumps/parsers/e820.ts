import { type AreaKind, areaFrom, type DumpFormat, hexOf } from '../types.js';

const LINUX =
  /^(?:BIOS-e820|Xen|e820|user|user-defined): \[mem 0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\] {1,2}([\w ()-]{1,40})$/i;
/** e820_print_map() before 3.5: the second address is the first that is not among them. */
const BEFORE_3_5 =
  /^(?:BIOS-e820|Xen|user): ([0-9a-f]{1,16}) - ([0-9a-f]{1,16}) (?:\(([\w ]{1,40})\)|type \d{1,10})$/i;

/** What Linux says of the map beside its entries: gaps between them, and changes of its own. */
const OTHERS =
  /^BIOS-provided physical RAM map:$|^(?:BIOS-e820|Xen|e820|user): \[gap |^e820: (?:update|remove|reserve|register|last_pfn) ?|^e820: \[mem \S+\] available for PCI devices$/;

/** What e820_print_type() calls a range (arch/x86/kernel/e820.c): up to 6.12, and in 7.2. */
const KINDS: readonly (readonly [RegExp, AreaKind])[] = [
  [/^(?:usable|System RAM|ACPI data)/, 'ram'],
  [/^persistent/, 'dax'],
  [/^(?:reserved|device reserved|ACPI NVS|soft reserved|unusable)/, 'reserved'],
];

/** The firmware's memory map in Linux's log. */
export const e820: DumpFormat = {
  name: 'e820',
  start: () => (whole) => {
    const line = whole.trim();
    if (OTHERS.test(line)) return [];
    const today = LINUX.exec(line);
    const [, first, second, type = ''] = today ?? BEFORE_3_5.exec(line) ?? [];
    const kind = KINDS.find(([pattern]) => pattern.test(type))?.[1];
    if (first === undefined || second === undefined || kind === undefined) return undefined;
    const last = today === null ? hexOf(second) - 1n : hexOf(second);
    return areaFrom(kind, type, hexOf(first), last);
  },
};
