import { type AreaKind, type DumpFormat, hexOf } from '../types.js';

const LINUX =
  /^(?:BIOS-e820|Xen|e820|user|user-defined): \[mem 0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\] ([\w ()-]{1,40})$/i;

/** What e820_print_type() calls a range (arch/x86/kernel/e820.c). */
const KINDS: readonly (readonly [RegExp, AreaKind])[] = [
  [/^(?:usable|ACPI data)/, 'ram'],
  [/^persistent/, 'dax'],
  [/^(?:reserved|ACPI NVS|soft reserved|unusable)/, 'reserved'],
];

/** The firmware's memory map in Linux's log. */
export const e820: DumpFormat = {
  name: 'e820',
  start: () => (whole) => {
    const line = whole.trim();
    const [, first, last, type = ''] = LINUX.exec(line) ?? [];
    if (first === undefined || last === undefined)
      return /^BIOS-provided physical RAM map:$/.test(line) ? [] : undefined;
    const kind = KINDS.find(([pattern]) => pattern.test(type))?.[1];
    if (kind === undefined) return undefined;
    return [{ what: 'area', kind, name: type, start: hexOf(first), end: hexOf(last) + 1n }];
  },
};
